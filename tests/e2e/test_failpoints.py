"""A process is killed at every failpoint; nothing is lost, nothing ends twice, and nothing is left open.

Each failpoint once, or as often as PRESSLINE_FAILPOINT_KILLS says: `make test-failpoints KILLS=5`.
"""

from __future__ import annotations

import os
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import httpx2
import pytest
from pydantic import SecretStr

from pressline.account.v1 import account_pb2
from pressline.webhook.v1 import webhook_pb2
from services.common import rpc
from services.common.blobs import BlobStore
from services.common.failpoints import Failpoint
from services.common.settings import BlobSettings
from services.scheduler.store.database import Database
from tests.support.databases import fresh_database
from tests.support.failpoints import report
from tests.support.failpoints.kills import Kill, Round
from tests.support.failpoints.processes import TOKEN, Services
from tests.support.failpoints.remains import problems_left
from tests.support.failpoints.surroundings import ACCOUNT, CALL_SECONDS, Surroundings
from tests.support.receiver import receiving
from tests.support.scheduler import Client
from tests.support.servers import S3Server, UrlServer

KILLS = int(os.environ.get("PRESSLINE_FAILPOINT_KILLS", "1"))
pytestmark = pytest.mark.timeout(1200 * KILLS)


@dataclass
class Outcome:
    """What came of all rounds.

    Attributes:
        kills: all of them.
        problems: work that did not come to its right end or did not stay there, and what was left open.
    """

    kills: list[Kill] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
async def outcome(
    nats_server: UrlServer,
    mongodb_server: UrlServer,
    s3_server: S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Outcome:
    """Every failpoint, as often as was asked for."""
    servers, logs, came = (nats_server, mongodb_server, s3_server), tmp_path_factory.mktemp("failpoints"), Outcome()
    async with fresh_database(mongodb_server) as database, AsyncExitStack() as closing:
        services = Services(servers, database._database.name, logs)
        closing.push_async_callback(services.close)
        around = await surroundings(services, database, s3_server, closing)
        for _ in range(KILLS):
            await services.stop()
            one = Round(services, around)
            await one.run()
            came.kills += one.kills
            came.problems += [problem for work in one.works if (problem := await work.still_right())]
            came.problems += await problems_left(database, nats_server.url)
            sys.stdout.write(f"\n{report.table(came.kills)}\n")
    return came


async def surroundings(services: Services, database: Database, s3: S3Server, closing: AsyncExitStack) -> Surroundings:
    """An account with a key, and what its work is checked with."""
    await services.scheduler.start()
    public, internal = rpc.channel(services.public), rpc.channel(services.internal, TOKEN)
    client = await Client(public, internal).as_account(ACCOUNT, account_pb2.PLAN_ENTERPRISE)
    asked = webhook_pb2.GetSigningSecretRequest()
    secret = (await client.webhooks.GetSigningSecret(asked, metadata=client.auth)).secret
    await public.close()
    await internal.close()
    blobs = BlobStore(
        BlobSettings(
            s3_url=s3.url, s3_access_key=s3.access_key, s3_secret_key=SecretStr(s3.secret_key), s3_bucket=s3.bucket
        )
    )
    closing.push_async_callback(blobs.close)
    headers = {"Authorization": f"Bearer {client.key}"}
    http = httpx2.AsyncClient(
        base_url=f"http://{services.rest}", headers=headers, timeout=CALL_SECONDS, trust_env=False
    )
    files = httpx2.AsyncClient(timeout=CALL_SECONDS, trust_env=False)
    await closing.enter_async_context(http)
    await closing.enter_async_context(files)
    return Surroundings(http, files, database, blobs, closing.enter_context(receiving()), secret)


@pytest.mark.parametrize("point", Failpoint)
async def test_a_kill_there_recovers(outcome: Outcome, point: Failpoint) -> None:
    kills = report.by_point(outcome.kills)[point]
    assert len(kills) >= KILLS
    assert len(report.recovered(kills)) == len(kills), outcome.problems


async def test_everything_ended_once_and_nothing_is_left_open(outcome: Outcome) -> None:
    assert outcome.problems == []
