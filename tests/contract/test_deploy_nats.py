"""What the autoscaler reads: a NATS server as the manifests start it, with the streams that the bus declares."""

from __future__ import annotations

import asyncio
import json
import sys
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from services.common import bus
from services.common.bus import Bus
from tests.support.stack import free_ports

KUBERNETES = Path(__file__).parents[2] / "deploy" / "k8s"
NATS_SERVER = Path(sys.executable).parent / "nats-server"
SECONDS = 30


def _load(path: str, kind: str) -> dict[str, Any]:
    manifests = yaml.safe_load_all((KUBERNETES / path).read_text())
    return dict(next(item for item in manifests if item["kind"] == kind))


@pytest.fixture
async def nats(tmp_path: Path) -> AsyncIterator[tuple[str, str]]:
    """host:port for clients and for monitoring, of a server with the arguments of the development overlay."""
    client, monitoring = free_ports(2)
    pod = _load("overlays/dev/nats.yaml", "StatefulSet")["spec"]["template"]["spec"]
    here = {"/data": str(tmp_path), "8222": str(monitoring)}
    arguments = [here.get(item, item) for item in pod["containers"][0]["args"]]
    process = await asyncio.create_subprocess_exec(
        NATS_SERVER, *arguments, "--addr", "127.0.0.1", "--port", str(client), stderr=asyncio.subprocess.DEVNULL
    )
    yield f"127.0.0.1:{client}", f"127.0.0.1:{monitoring}"
    process.terminate()
    await process.wait()


async def test_the_autoscaler_finds_the_jobs_that_wait(nats: tuple[str, str]) -> None:
    client, monitoring = nats
    async with asyncio.timeout(SECONDS):
        connected = await Bus.connect(f"nats://{client}", "test")
    try:
        for number in range(3):
            await connected.publish(bus.FAST_JOBS, b"", f"fast-{number}")
        await connected.publish(bus.BULK_JOBS, b"", "bulk")
        triggers = _load("base/renderer-scaling.yaml", "ScaledObject")["spec"]["triggers"]
        lags = [await asyncio.to_thread(_lag, monitoring, trigger["metadata"]) for trigger in triggers]
    finally:
        await connected.close()
    assert lags == [3, 1]


def _lag(monitoring: str, metadata: dict[str, str]) -> int:
    """Waiting and unacknowledged messages of a consumer, from the same document as KEDA reads them."""
    query = urlencode({"acc": metadata["account"], "consumers": "true", "config": "true"})
    with urllib.request.urlopen(f"http://{monitoring}/jsz?{query}", timeout=SECONDS) as response:
        (account,) = json.load(response)["account_details"]
    (stream,) = [item for item in account["stream_detail"] if item["name"] == metadata["stream"]]
    (consumer,) = [item for item in stream["consumer_detail"] if item["name"] == metadata["consumer"]]
    return int(consumer["num_pending"] + consumer["num_ack_pending"])
