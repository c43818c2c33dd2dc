"""Measurements, run by hand. What they said last is in docs/performance.md."""
