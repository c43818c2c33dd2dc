"""Turns claimed items into files: drives Chromium, stores the results, reports them."""
