"""Two schedulers over a network that loses, repeats and reorders, moved one step at a time."""
