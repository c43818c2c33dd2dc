"""The `pressline` command line."""
