"""A scheduler in this process on real servers, clients for it, and a renderer that only reports."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
from pydantic import SecretStr

from pressline.account.v1 import account_pb2, account_pb2_grpc
from pressline.archive.v1 import archive_pb2_grpc, job_pb2_grpc
from pressline.batch.v1 import batch_pb2, batch_pb2_grpc
from pressline.task.v1 import task_pb2, task_pb2_grpc
from pressline.template.v1 import template_pb2, template_pb2_grpc
from pressline.webhook.v1 import webhook_pb2_grpc
from services.common import bus, rpc
from services.common.bus import Bus
from services.common.consumer import Again, Consumer, Done, Verdict
from services.common.tls import ChannelTls
from services.scheduler.app import serve
from services.scheduler.settings import SchedulerSettings
from tests.support.in_process import running
from tests.support.ports import free_port
from tests.support.servers import S3Server, UrlServer

TOKEN = "test-token"
HTML = batch_pb2.Source(html="<p>{{name}}</p>")
PNG = batch_pb2.OutputSpec(format=batch_pb2.FORMAT_PNG)


def scheduler_settings(nats: UrlServer, mongodb: UrlServer, s3: S3Server, **changes: object) -> SchedulerSettings:
    """Settings of a scheduler with a database of its own."""
    values: dict[str, object] = {
        "scheduler_listen": f"127.0.0.1:{free_port()}",
        "scheduler_internal_listen": f"127.0.0.1:{free_port()}",
        "mongodb_url": mongodb.url,
        "mongodb_database": f"test_{secrets.token_hex(6)}",
        "nats_url": nats.url,
        "s3_url": s3.url,
        "s3_access_key": s3.access_key,
        "s3_secret_key": SecretStr(s3.secret_key),
        "s3_bucket": s3.bucket,
        "s3_region": s3.region,
        "secret_key": SecretStr("ab" * 32),
        "service_token": SecretStr(TOKEN),
        "sweep_seconds": 0.5,
    }
    return SchedulerSettings(**{**values, **changes})  # type: ignore[arg-type]


@dataclass
class Client:
    """Calls one scheduler, as one account."""

    public: grpc.aio.Channel
    internal: grpc.aio.Channel
    key: str = ""

    def __post_init__(self) -> None:
        self.batches = batch_pb2_grpc.BatchServiceStub(self.public)
        self.templates = template_pb2_grpc.TemplateServiceStub(self.public)
        self.account = account_pb2_grpc.AccountServiceStub(self.public)
        self.webhooks = webhook_pb2_grpc.WebhookServiceStub(self.public)
        self.archives = archive_pb2_grpc.ArchiveServiceStub(self.public)
        self.archive_jobs = job_pb2_grpc.ArchiveJobServiceStub(self.internal)
        self.tasks = task_pb2_grpc.TaskServiceStub(self.internal)
        self.admission = account_pb2_grpc.AdmissionServiceStub(self.internal)
        self.deliveries = webhook_pb2_grpc.DeliveryServiceStub(self.internal)

    @property
    def auth(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.key}"),)

    async def as_account(self, name: str, plan: account_pb2.Plan.ValueType = account_pb2.PLAN_ENTERPRISE) -> Client:
        request = account_pb2.CreateKeyRequest(account_id=name, plan=plan)
        key = (await self.admission.CreateKey(request)).api_key
        return Client(self.public, self.internal, key)

    async def submit(
        self, rows: int, spec: batch_pb2.BatchSpec | None = None, **fields: object
    ) -> batch_pb2.CreateBatchResponse:
        """Submit rows of `{"name": …}`."""
        whole = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE, source=HTML, output=PNG)
        whole.MergeFrom(spec or batch_pb2.BatchSpec(**fields))  # type: ignore[arg-type]
        items = [batch_pb2.ItemSpec(data_json=b'{"name": "row %d"}' % i) for i in range(rows)]
        return await self.submit_items(whole, items)

    async def submit_items(
        self, spec: batch_pb2.BatchSpec, items: list[batch_pb2.ItemSpec]
    ) -> batch_pb2.CreateBatchResponse:
        async def messages() -> AsyncIterator[batch_pb2.CreateBatchRequest]:
            yield batch_pb2.CreateBatchRequest(spec=spec)
            yield batch_pb2.CreateBatchRequest(items=batch_pb2.ItemChunk(items=items))

        return await self.batches.CreateBatch(messages(), metadata=self.auth, timeout=60)

    async def batch(self, batch_id: str) -> batch_pb2.Batch:
        return await self.batches.GetBatch(batch_pb2.GetBatchRequest(batch_id=batch_id), metadata=self.auth)

    async def items(self, batch_id: str, size: int = 1000) -> list[batch_pb2.Item]:
        request = batch_pb2.ListItemsRequest(batch_id=batch_id, page_size=size)
        return list((await self.batches.ListItems(request, metadata=self.auth)).items)

    async def cancel(self, batch_id: str) -> batch_pb2.Batch:
        return await self.batches.CancelBatch(batch_pb2.CancelBatchRequest(batch_id=batch_id), metadata=self.auth)

    async def until_ended(self, batch_id: str, seconds: float = 60) -> batch_pb2.Batch:
        """The batch once it has an end time."""
        async with asyncio.timeout(seconds):
            while not (batch := await self.batch(batch_id)).HasField("end_time"):
                await asyncio.sleep(0.05)
        return batch


@asynccontextmanager
async def running_scheduler(settings: SchedulerSettings, tls: ChannelTls | None = None) -> AsyncIterator[Client]:
    """A scheduler until the end of the block, called over TLS where that is given."""
    # Clients leave first: a scheduler waits a moment for those who watch it.
    async with (
        running(serve, settings),
        rpc.channel(settings.scheduler_listen, tls=tls) as public,
        rpc.channel(settings.scheduler_internal_listen, TOKEN, tls) as internal,
    ):
        yield Client(public, internal)


Inspect = Callable[[task_pb2.SourceDocument], template_pb2.Inspection]
Render = Callable[[task_pb2.Task], Awaitable[list[batch_pb2.ItemError]]]


async def succeed(_task: task_pb2.Task) -> list[batch_pb2.ItemError]:
    return []


def printed_names(source: task_pb2.SourceDocument) -> template_pb2.Inspection:
    """`{{name}}` in a document, all required; enough where no template does more."""
    names = dict.fromkeys(re.findall(r"{{(\w+)}}", source.body))
    error = "The template is broken." if "{{{{" in source.body else ""
    found = [template_pb2.Variable(name=name, required=True, line=1) for name in names]
    return template_pb2.Inspection(variables=[] if error else found, error=error)


@dataclass
class ReportingRenderer:
    """Claims tasks and reports a result for each without rendering anything."""

    client: Client
    nats_url: str
    render: Render = succeed
    inspect: Inspect = printed_names
    slots: int = 4
    claimed: list[str] = field(default_factory=list)
    inspected: list[str] = field(default_factory=list)
    source_ids: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[ReportingRenderer]:
        connection = await Bus.connect(self.nats_url, "reporting-renderer")
        stop = asyncio.Event()
        consumers = [Consumer(connection, lane, self.slots, self._handle) for lane in (bus.FAST, bus.BULK)]
        running = [asyncio.create_task(consumer.run(stop, 5)) for consumer in consumers]
        try:
            yield self
        finally:
            stop.set()
            await asyncio.gather(*running)
            await connection.close()

    async def _handle(self, payload: bytes) -> Verdict:
        reference = task_pb2.TaskRef.FromString(payload)
        if reference.inspect_source_id:
            await self._look_through(reference.inspect_source_id)
            return Done()
        item_id = reference.item_id
        answer = await self.client.tasks.ClaimTask(task_pb2.ClaimTaskRequest(item_id=item_id, worker="reporting"))
        if answer.WhichOneof("outcome") == "leased_elsewhere":
            return Again(answer.leased_elsewhere.remaining.ToMilliseconds() / 1000)
        if answer.WhichOneof("outcome") == "task":
            self.claimed.append(item_id)
            await self._report(answer.task, await self.render(answer.task))
        return Done()

    async def _look_through(self, source_id: str) -> None:
        source = await self.client.tasks.GetSource(task_pb2.GetSourceRequest(source_id=source_id))
        self.inspected.append(source.body)
        self.source_ids.append(source_id)
        report = task_pb2.ReportInspectionRequest(source_id=source_id, inspection=self.inspect(source))
        await self.client.tasks.ReportInspection(report)

    async def _report(self, task: task_pb2.Task, errors: list[batch_pb2.ItemError]) -> None:
        if errors:
            await self.client.tasks.FailTask(task_pb2.FailTaskRequest(lease=task.lease, errors=errors))
            return
        outputs = [
            task_pb2.StoredOutput(object_key=render.object_key, output=batch_pb2.Output(format=render.output.format))
            for render in task.renders
        ]
        await self.client.tasks.CompleteTask(task_pb2.CompleteTaskRequest(lease=task.lease, outputs=outputs))
