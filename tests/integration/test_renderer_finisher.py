"""The processes that finish PDFs: replaced when they are gone, ended when nobody waits, and never left behind."""

from __future__ import annotations

import asyncio
import io
import signal
from collections.abc import AsyncIterator

import pikepdf
import psutil
import pytest

from pressline.batch.v1.batch_pb2 import PDF_ARCHIVAL_2B, PdfMetadata, PdfOptions
from services.renderer.engine.finisher import Finisher
from services.renderer.engine.model import RenderError
from tests.support.pdfs import opened
from tests.support.renderer import started_here

TITLED = PdfOptions(metadata=PdfMetadata(title="T"))


@pytest.fixture
async def finisher() -> AsyncIterator[Finisher]:
    running = Finisher()
    yield running
    await running.close()
    assert processes() == []


def processes() -> list[psutil.Process]:
    return started_here("services.renderer.engine.finish_process")


def blank() -> bytes:
    out = io.BytesIO()
    with pikepdf.Pdf.new() as document:
        document.add_blank_page()
        document.save(out, deterministic_id=True)
    return out.getvalue()


async def test_one_process_after_another_file(finisher: Finisher) -> None:
    first = await finisher.finish(blank(), TITLED)
    (process,) = processes()
    assert await finisher.finish(blank(), TITLED) == first
    assert processes() == [process]
    with opened(first) as document:
        assert str(document.docinfo.Title) == "T"


async def test_it_is_told_no_settings(finisher: Finisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRESSLINE_SECRET_KEY", "not for it")
    await finisher.finish(blank(), TITLED)
    assert [name for process in processes() for name in process.environ() if name.startswith("PRESSLINE_")] == []


async def test_a_process_that_is_gone_is_replaced(finisher: Finisher) -> None:
    first = await finisher.finish(blank(), TITLED)
    (process,) = processes()
    process.kill()
    assert await finisher.finish(blank(), TITLED) == first
    assert process not in processes()


async def test_what_nobody_waits_for_is_ended(finisher: Finisher) -> None:
    first = await finisher.finish(blank(), TITLED)
    (process,) = processes()
    # It would never answer.
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(finisher.finish(blank(), TITLED), 0.2)
    assert processes() == []
    assert await finisher.finish(blank(), TITLED) == first


async def test_what_is_no_pdf_is_an_error_and_ends_nothing(finisher: Finisher) -> None:
    with pytest.raises(RenderError) as caught:
        await finisher.finish(b"no PDF", PdfOptions(pdfa=PDF_ARCHIVAL_2B))
    assert caught.value.code == "INTERNAL_ERROR"
    assert len(processes()) == 1
    await finisher.finish(blank(), TITLED)


async def test_a_closed_one_starts_nothing(finisher: Finisher) -> None:
    await finisher.close()
    with pytest.raises(RenderError):
        await finisher.finish(blank(), TITLED)
    assert processes() == []
