"""What can go wrong on this machine and is the user's to mend."""

from __future__ import annotations


class LocalError(Exception):
    """Something is in the way; the text is a sentence for the user."""
