"""What must not be is found: a reckoning that always comes out right would prove nothing."""

from __future__ import annotations

import asyncio
from typing import Any

from pressline_local.folder import DataFolder
from services.common.blobs import BlobStore
from services.common.settings import BlobSettings
from services.scheduler import model
from tests.chaos import apis
from tests.chaos.callers import Caller
from tests.chaos.checker import Checker, Findings
from tests.chaos.hooks import Hooks
from tests.chaos.record import Record, Submission
from tests.chaos.watcher import Watcher
from tests.support.stack import Stack

ACCOUNT = "chaos-checks"
COUNT = 3
END_SECONDS = 120


async def found(caller: Caller, submission: Submission) -> dict[str, int]:
    findings = Findings()
    await Checker({ACCOUNT: caller}, Record([submission]), Hooks()).check(findings)
    return {kind: len(sentences) for kind, sentences in findings.wrong.items()}


async def submitted(caller: Caller) -> str:
    path, body = apis.NATIVE.batch(COUNT, "")
    batch_id = str((await caller.post(path, body))["id"])
    async with asyncio.timeout(END_SECONDS):
        while (await caller.get(f"/v1/batches/{batch_id}"))["status"] != "completed":
            await asyncio.sleep(0.1)
    return batch_id


def objects(stack: Stack) -> BlobStore:
    folder = DataFolder(stack.data)
    secrets, port = folder.secrets(), folder.state()["ports"]["s3"]
    return BlobStore(
        BlobSettings(
            s3_url=f"http://127.0.0.1:{port}", s3_access_key=secrets.s3_access_key, s3_secret_key=secrets.s3_secret_key
        )
    )


async def test_losses_wrong_counts_missing_objects_and_webhooks_are_found(stack: Stack) -> None:
    async with Caller(stack.api, stack.key(account=ACCOUNT), ACCOUNT, Record()) as caller:
        batch_id = await submitted(caller)
        assert await found(caller, Submission(ACCOUNT, batch_id, COUNT)) == {}
        more = await found(caller, Submission(ACCOUNT, batch_id, COUNT + 1))
        assert more == {"items lost": 1, "wrong counts": 1}
        assert await found(caller, Submission(ACCOUNT, batch_id, COUNT, hook="never")) == {"webhook ids not 1": 1}
        assert await found(caller, Submission(ACCOUNT, batch_id, COUNT, cancelled=True)) == {"wrong counts": 1}
        unknown = Submission(ACCOUNT, "batch_0000000000000000", COUNT)
        assert await found(caller, unknown) == {"items lost": COUNT, "wrong counts": 1}
        store = objects(stack)
        try:
            assert await store.delete_some(f"{ACCOUNT}/{batch_id}/")
        finally:
            await store.close()
        assert await found(caller, Submission(ACCOUNT, batch_id, COUNT)) == {"objects missing": COUNT}


def seen(*documents: dict[str, Any]) -> Watcher:
    watcher = Watcher("mongodb://nowhere")
    for document in documents:
        watcher._compare({"_id": "gen_a", **document}, document["state"] in model.ENDED_ITEM)
    return watcher


def test_who_leaves_a_terminal_state_or_ends_again_is_seen() -> None:
    rendering = {"state": model.RENDERING, "attempt": 1}
    ended = {"state": model.SUCCEEDED, "attempt": 1, "ended_ms": 5}
    fine = seen(rendering, ended, ended)
    assert (fine.left, fine.repeated) == (set(), set())
    assert seen(rendering, ended, rendering).left == {"gen_a"}
    assert seen(ended, {**ended, "state": model.FAILED}).left == {"gen_a"}
    assert seen(ended, {**ended, "attempt": 2}).repeated == {"gen_a"}
    assert seen(ended, {**ended, "ended_ms": 6}).repeated == {"gen_a"}
