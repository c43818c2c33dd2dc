"""The documents whose pictures are kept: what each is made of, and what is made of it.

Only headers and footers of pages depend on the fonts of a machine: documents name families of `fonts/` alone.
"""

from __future__ import annotations

import base64
import html
import json
import mimetypes
import re
import tomllib
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict

from pressline.batch.v1.batch_pb2 import FORMAT_PDF, OutputSpec, PdfOptions
from pressline.task.v1.task_pb2 import SourceDocument
from services.renderer.engine.model import Environment
from tests.support.renderer import HTML, STRICT, image

HERE = Path(__file__).parent
MOMENT = Environment("Europe/Paris", "en-US", now_ms=1_772_960_400_000, fixed=True)
_SIZE = [480, 300]
_KINDS = {".html": HTML, ".hbs": STRICT, ".tsx": SourceDocument.KIND_REACT}
# No name of CSS itself, such as serif or math.
_FAMILIES = ("Arabic", "Book", "CJK", "Devanagari", "Faces", "Formula", "Hebrew", "Mono", "Sans")
_TYPES = {".woff2": "font/woff2", ".webp": "image/webp", ".avif": "image/avif"}
# asset:mark.png in a document is the picture of that name as a data URI; font:sans.woff2 is a font.
_FILE = re.compile(r"(asset|font):([\w-]+\.\w+)")
# What stands between tags, and what is a style; but in no element whose text is no text.
_OPAQUE = re.compile(r"(<(style|textarea|option|title|math)\b.*?</\2>)", re.DOTALL)
_TEXT = re.compile(r"(?P<before>>)(?P<value>[^<>{}]+)(?P<after><)")
_ATTRIBUTE = re.compile(r'(?P<before>\sstyle=")(?P<value>[^"{}]+)(?P<after>")')
_FOLDERS = {"asset": "images", "font": "fonts"}


@dataclass(frozen=True)
class Case:
    """One document of the corpus.

    Attributes:
        row: its data, a JSON object.
        other: the data of another item of the same template; empty for a document without a template.
        scripted: whether anything in it can run.
        pages: of the PDF; 0 for an image.
        text: what is printed on each page, among other things.
    """

    name: str
    source: SourceDocument
    row: bytes
    other: bytes
    output: OutputSpec
    scripted: bool
    pages: int
    text: list[str]


def corpus() -> dict[str, Case]:
    """All documents by their name."""
    described = tomllib.loads((HERE / "corpus.toml").read_text())
    files = [file for file in sorted((HERE / "documents").iterdir()) if file.suffix in _KINDS]
    unknown = set(described) - {file.stem for file in files}
    assert not unknown, f"corpus.toml describes documents that are not there: {unknown}"
    return {file.stem: _case(file, described.get(file.stem, {})) for file in files}


def with_script(case: Case) -> SourceDocument:
    """The same document with a script that does nothing, so that it is rendered as one that may do anything."""
    assert "<head>" in case.source.body
    changed = SourceDocument()
    changed.CopyFrom(case.source)
    changed.id = f"{case.name}-scripted"
    changed.body = case.source.body.replace("<head>", "<head><script></script>", 1)
    return changed


def as_template(case: Case) -> tuple[SourceDocument, bytes, bytes]:
    """The document as a template, its row, and another row, which leaves something else on the page."""
    if case.other:
        return case.source, case.row, case.other
    head, body = case.source.body.split("<body", 1)
    rest = body.split(">", 1)[1]
    other = f'<body dir="rtl" class="other" style="background: #123456; padding: 40px"><h1>Another row</h1>{rest}'
    template = SourceDocument(
        id=f"{case.name}-template", kind=STRICT, body=f"{head}{{{{{{page}}}}}}", styles=case.source.styles
    )
    return template, json.dumps({"page": f"<body{body}"}).encode(), json.dumps({"page": other}).encode()


def with_values(case: Case) -> tuple[SourceDocument, bytes, bytes]:
    """The document as a template of its texts and its style attributes, its row, and one of other values."""
    values: list[str] = []

    def named(found: re.Match[str]) -> str:
        if not found["value"].strip():
            return found[0]
        values.append(html.unescape(found["value"]))
        return f"{found['before']}{{{{v.[{len(values) - 1}]}}}}{found['after']}"

    head, body = case.source.body.split("<body", 1)
    opaque, seen = _OPAQUE.findall(f"<body{body}"), _OPAQUE.split(f"<body{body}")[:: _OPAQUE.groups + 1]
    named_pieces = (_ATTRIBUTE.sub(named, _TEXT.sub(named, piece)) for piece in seen)
    whole = "".join(chain.from_iterable(zip_longest(named_pieces, (found[0] for found in opaque), fillvalue="")))
    source = SourceDocument(id=f"{case.name}-values", kind=STRICT, body=head + whole, styles=case.source.styles)
    other = [_another(value) for value in values]
    return source, json.dumps({"v": values}).encode(), json.dumps({"v": other}).encode()


def _another(value: str) -> str:
    """Of a style attribute, its first half; of a text, a longer one with other letters."""
    if re.match(r"[a-z-]+:", value):
        declarations = value.split(";")
        return ";".join(declarations[: len(declarations) // 2])
    return f"{value.swapcase()} {value[::2]}"


def _case(file: Path, described: dict[str, Any]) -> Case:
    body = _FILE.sub(_data_uri, file.read_text())
    own = file.with_suffix(".css")
    styles = own.read_text() if own.exists() else ""
    rows = file.with_suffix(".json")
    row, other = _rows(rows) if rows.exists() else (b"{}", b"")
    kind = _KINDS[file.suffix]
    return Case(
        file.stem,
        SourceDocument(
            id=file.stem,
            kind=kind,
            body=body,
            styles=_font_rules(body + styles) + styles,
            tailwind=described.get("tailwind", False),
        ),
        row,
        other,
        _output(described),
        described.get("scripted", kind == SourceDocument.KIND_REACT),
        described.get("pages", 0),
        described.get("text", []),
    )


def _rows(file: Path) -> tuple[bytes, bytes]:
    row, *others = (json.dumps(row).encode() for row in json.loads(file.read_text()))
    return row, others[0] if others else b""


def _output(described: dict[str, Any]) -> OutputSpec:
    if "pdf" in described:
        return OutputSpec(format=FORMAT_PDF, pdf=ParseDict(described["pdf"], PdfOptions()))
    width, height = described.get("size", _SIZE)
    return image(width, height, described.get("scale", 1))


def _font_rules(text: str) -> str:
    used = [family for family in _FAMILIES if re.search(rf"\b{family}\b", text)]
    rule = "@font-face {{ font-family: {}; font-weight: {}; src: url({}) }}\n"
    weights = {"Sans": "100 900", "Book": "100 900"}
    return "".join(
        rule.format(family, weights.get(family, "400"), _uri(HERE / "fonts" / f"{family.lower()}.woff2"))
        for family in used
    )


def _data_uri(found: re.Match[str]) -> str:
    return _uri(HERE / _FOLDERS[found[1]] / found[2])


def _uri(file: Path) -> str:
    kind = _TYPES.get(file.suffix) or mimetypes.guess_type(file.name)[0]
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"
