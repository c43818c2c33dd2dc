"""The scheduler: the only writer of batch state."""
