"""Identifiers: a prefix that tells the kind, and random characters that are safe in URLs and file names."""

from __future__ import annotations

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
SUFFIX_LENGTH = 16
INDEX_DIGITS = 5
MAX_ITEMS = 10**INDEX_DIGITS


def new(prefix: str) -> str:
    """A new id, e.g. `batch_7k2m…`, with 80 random bits."""
    return f"{prefix}_{''.join(secrets.choice(ALPHABET) for _ in range(SUFFIX_LENGTH))}"


def item_id(batch_id: str, index: int) -> str:
    """The id of a batch's item: derived, so that writing it again writes the same one; it sorts by index."""
    return f"gen_{batch_id.removeprefix('batch_')}{index:0{INDEX_DIGITS}d}"


def batch_of(item: str) -> str:
    """The id of the batch that an item belongs to."""
    return f"batch_{item.removeprefix('gen_')[:-INDEX_DIGITS]}"


def archive_id(batch_id: str, form: str) -> str:
    """The id of a batch's archive in a form, `zip` or `pdf`: derived, so that asking twice makes one."""
    return f"arc_{batch_id.removeprefix('batch_')}_{form}"


def batch_of_archive(archive: str) -> str:
    """The id of the batch that an archive belongs to."""
    return f"batch_{archive.removeprefix('arc_').rpartition('_')[0]}"
