"""Kills at failpoints: the processes, the work that is under way, the order of the kills, and what must be left."""
