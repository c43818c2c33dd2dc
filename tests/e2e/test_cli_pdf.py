"""Options of PDFs on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.pdfs import headings, opened, pages_of, unarchivable
from tests.support.stack import Stack, pressline

SECRET = "von der Datei"
RUN_SECONDS = 180
DOCUMENT = "<h1>One</h1><h1 style='break-before:page'>Two</h1>"


@pytest.fixture(scope="module")
def environment(stack: Stack) -> dict[str, str]:
    return {"PRESSLINE_API_URL": stack.api, "PRESSLINE_API_KEY": stack.key(account="tests-cli-pdf")}


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "document.html"
    path.write_text(DOCUMENT, "utf-8")
    return path


def test_a_pdf_for_the_archive(environment: dict[str, str], document: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.pdf"
    options = ("--pdfa", "--outline", "--meta", "title=A=B", "--meta", "lang=de", "--page-ranges", "2")
    pressline("render", str(document), "-o", str(out), *options, env=environment, timeout=RUN_SECONDS)
    assert unarchivable(out.read_bytes()) == []
    with opened(out.read_bytes()) as made:
        assert headings(made) == [("Two", 0, [])]
        assert (str(made.docinfo.Title), str(made.Root.Lang)) == ("A=B", "de")


def test_a_batch_of_encrypted_pdfs(environment: dict[str, str], document: Path, tmp_path: Path) -> None:
    password, rows, out = tmp_path / "password", tmp_path / "rows.json", tmp_path / "out"
    password.write_text(f"{SECRET}\nnot this\n", "utf-8")
    rows.write_text("[{}, {}]", "utf-8")
    options = ("--password-file", str(password), "--forbid", "copy")
    where = ("--format", "pdf", "--out", str(out))
    done = pressline("batch", str(document), str(rows), *where, *options, env=environment, timeout=RUN_SECONDS)
    assert SECRET not in done.stdout + (out / "manifest.json").read_text("utf-8")
    for path in out.glob("*.pdf"):
        assert [page.strip() for page in pages_of(path.read_bytes(), SECRET)] == ["One", "Two"]
        with opened(path.read_bytes(), SECRET) as made:
            assert (made.allow.extract, made.allow.print_highres) == (False, True)
    assert len(list(out.glob("*.pdf"))) == 2


@pytest.mark.parametrize(
    ("out", "options", "expected"),
    [
        ("x.png", ["--outline"], "--outline is for PDF only"),
        ("x.pdf", ["--meta", "colour=red"], "--meta: 'colour=red' is not one of title=…"),
        ("x.pdf", ["--forbid", "print"], "--forbid needs --password-file"),
        ("x.pdf", ["--forbid", "reading"], "'reading' is not one of print, copy, modify"),
        ("x.pdf", ["--password-file", "/nowhere"], "/nowhere: No such file"),
        ("x.pdf", ["--page-ranges", "2-1"], "must be a list of pages and ranges"),
    ],
)
def test_what_cannot_be_is_refused(
    environment: dict[str, str], document: Path, tmp_path: Path, out: str, options: list[str], expected: str
) -> None:
    done = pressline(
        "render", str(document), "-o", str(tmp_path / out), *options, env=environment, check=False, timeout=RUN_SECONDS
    )
    assert done.returncode == 1
    assert expected in " ".join(done.stderr.split())
    assert not (tmp_path / out).exists()
