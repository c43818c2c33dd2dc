"""What is rendered: five documents, and the files made of them."""

from __future__ import annotations

import base64
import csv
import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmarks import rows

DOCUMENTS = Path(__file__).parent / "documents"
EXAMPLES = Path(__file__).parent.parent / "examples"
QUALITY = 90
_FILE = re.compile(r'(url\(|src=")([\w-]+\.(?:woff2|jpg))')
_TYPES = {".woff2": "font/woff2", ".jpg": "image/jpeg"}
Row = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One kind of file: a document with its rows, and the format and CSS pixels of what it becomes."""

    document: str
    format: str
    width: int = 1200
    height: int = 630

    @property
    def name(self) -> str:
        """As it is chosen on the command line."""
        return f"{self.document}-{self.format}"

    @property
    def react(self) -> bool:
        """Whether the source is a React component."""
        return self.document == "chart"

    @cached_property
    def source(self) -> str:
        """The document, all that it needs within it."""
        folder = EXAMPLES if self.document in {"certificate", "chart"} else DOCUMENTS
        text = (folder / f"{self.document}{'.tsx' if self.react else '.html'}").read_text("utf-8")
        return _FILE.sub(lambda found: found[1] + _data_uri(DOCUMENTS / found[2]), text)

    def rows(self, count: int) -> list[Row]:
        """So many rows; of the documents made for this every one is different."""
        if self.document == "certificate":
            with (EXAMPLES / "certificates.csv").open(encoding="utf-8") as file:
                some = list[Row](csv.DictReader(file))
        elif self.react:
            some = [json.loads(line) for line in (EXAMPLES / "charts.jsonl").read_text("utf-8").splitlines()]
        else:
            some = [rows.MAKERS[self.document](index) for index in range(count)]
        return [some[index % len(some)] for index in range(count)]


CARD_PNG = Case("card", "png")
CASES = (
    CARD_PNG,
    Case("card", "jpeg"),
    Case("card", "webp"),
    Case("certificate", "png", 1600, 1130),
    Case("certificate", "pdf"),
    Case("invoice", "pdf"),
    Case("report", "pdf"),
    Case("chart", "png"),
)


def chosen(names: str | None) -> list[Case]:
    """Cases by their names or documents, separated by commas; all of them for None."""
    wanted = set(names.split(",")) if names else {case.name for case in CASES}
    found = [case for case in CASES if wanted & {case.name, case.document}]
    unknown = wanted - {name for case in found for name in (case.name, case.document)}
    if unknown:
        raise SystemExit(f"no case {', '.join(sorted(unknown))}; there are {', '.join(case.name for case in CASES)}")
    return found


def _data_uri(file: Path) -> str:
    return f"data:{_TYPES[file.suffix]};base64,{base64.b64encode(file.read_bytes()).decode()}"
