"""The REST gateway: authenticates, translates to RPC, answers. It keeps no state of its own."""
