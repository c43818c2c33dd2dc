"""Pure translation: checked requests to RPC messages, RPC answers to JSON."""
