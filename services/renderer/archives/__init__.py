"""Archives: all results of a batch in one ZIP or one PDF."""
