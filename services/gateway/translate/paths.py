"""Fields at fault, from the names of the RPC contract to those of the request that the caller wrote."""

from __future__ import annotations

import re
from collections.abc import Sequence

from services.common.errors import PresslineError, Violation

Renames = Sequence[tuple[str, str]]

_SHARED: Renames = (
    (r"^spec\.idempotency\.key$", "Idempotency-Key"),
    (r"\.source\.template_id$", ".template"),
    (r"\.source\.(html|react|styles)$", r".\1"),
    (r"\.source$", ""),
    (r"\.data_json$", ".data"),
    (r"\.output\.image\.", ".output."),
)
READS: Renames = ((r"^page_token$", "cursor"), (r"^page_size$", "limit"))
PICTIFY: Renames = (
    (r"^items(\[\d+\])?(\.data_json)?", r"variableSets\1"),
    (r"^spec\.source\.template_id$", "template"),
    (r"^spec\.output\.image\.full_page$", "fullPage"),
    (r"^spec\.output(\.image)?\.", ""),
    (r"^spec\.webhook_url$", "webhookUrl"),
    *_SHARED,
    (r"^spec\.", ""),
)
DECKLE: Renames = (
    (r"\.output\.pdf\.margin_", ".options.margin."),
    (r"\.output\.pdf\.(width|height)$", r".options.format.\1"),
    (r"\.output\.pdf\.page_ranges$", ".options.pageRanges"),
    (r"\.output\.pdf\.", ".options."),
    (r"^spec\.webhook_url$", "webhook"),
    *_SHARED,
    (r"^spec\.", ""),
)
# Calls for one render have no list of items.
RENDER: Renames = ((r"^items\[0\](\.data_json)?", "variables"), *PICTIFY)
GENERATE: Renames = (*DECKLE, (r"^items\[0\]$", "body"), (r"^items\[0\]\.", ""))
NATIVE: Renames = (
    (r"\.output\.pdf\.margin_", ".output.margin."),
    (r"\.output\.pdf\.(width|height)$", r".output.page_size.\1"),
    (r"\.output\.pdf\.", ".output."),
    (r"^spec\.(source|output)", r"defaults.\1"),
    (r"^spec\.metadata_json$", "metadata"),
    (r"^spec\.environment\.", ""),
    *_SHARED,
    (r"^spec\.", ""),
)


def of_layout(renames: Renames, layout: str | None) -> Renames:
    """The same for a request that names one layout instead of a list."""
    return renames if layout is None else ((r"^spec\.layouts$", "layout"), *renames)


def renamed(error: PresslineError, renames: Renames) -> PresslineError:
    """The same refusal with paths as the caller knows them."""
    violations = tuple(Violation(rename(item.path, renames), item.message) for item in error.violations)
    message = error.message
    if violations:
        # Messages of validation errors begin with the first path.
        message = message.replace(error.violations[0].path, violations[0].path, 1)
    return PresslineError(error.reason, message, violations, error.retry_after)


def rename(path: str, renames: Renames) -> str:
    """One path as the caller knows it."""
    # What follows are names of the row, which are the caller's own.
    path, in_row, name = path.partition(".data_json.")
    path += ".data_json" if in_row else ""
    for pattern, replacement in renames:
        path = re.sub(pattern, replacement, path)
    return f"{path}.{name}" if in_row else path
