"""The scheduler as the gateway calls it: stubs, deadlines, and the caller's key as metadata."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from pressline.account.v1 import account_pb2, account_pb2_grpc
from pressline.archive.v1 import archive_pb2_grpc
from pressline.asset.v1 import asset_pb2, asset_pb2_grpc
from pressline.batch.v1 import batch_pb2, batch_pb2_grpc
from pressline.event.v1 import event_pb2_grpc
from pressline.template.v1 import template_pb2_grpc
from pressline.webhook.v1 import webhook_pb2_grpc
from services.common.errors import PresslineError
from services.common.rpc_errors import from_rpc_error, translated
from services.gateway.translate.paths import READS, renamed

CALL_SECONDS = 15.0
HEALTH_SECONDS = 2.0
CREATE_SECONDS = 120.0
# Less than a scheduler lets a connection live: it is this side that begins anew.
WATCH_SECONDS = 240.0

Request = TypeVar("Request", bound=Message)
Answer = TypeVar("Answer", bound=Message)


class Stubs:
    """Typed stubs over the scheduler's two listeners.

    Args:
        public: channel to the public listener, where the caller's API key decides.
        internal: channel to the internal listener, opened by the service token.
    """

    def __init__(self, public: grpc.aio.Channel, internal: grpc.aio.Channel) -> None:
        self.batches = batch_pb2_grpc.BatchServiceStub(public)
        self.assets = asset_pb2_grpc.AssetServiceStub(public)
        self.archives = archive_pb2_grpc.ArchiveServiceStub(public)
        self.templates = template_pb2_grpc.TemplateServiceStub(public)
        self.accounts = account_pb2_grpc.AccountServiceStub(public)
        self.webhooks = webhook_pb2_grpc.WebhookServiceStub(public)
        self.events = event_pb2_grpc.EventServiceStub(public)
        self._admission = account_pb2_grpc.AdmissionServiceStub(internal)
        self._health = health_pb2_grpc.HealthStub(public)

    async def admit(self, api_key: str) -> account_pb2.AdmitResponse:
        """Recognise a key and count one request against its window.

        Raises:
            PresslineError: UNAUTHORIZED for an unknown key, SERVICE_UNAVAILABLE without a scheduler.
        """
        request = account_pb2.AdmitRequest(api_key=api_key)
        return await translated(self._admission.Admit(request, timeout=CALL_SECONDS))

    async def serving(self) -> bool:
        """Whether a scheduler answers its health check and takes calls."""
        try:
            answer = await self._health.Check(health_pb2.HealthCheckRequest(), timeout=HEALTH_SECONDS)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class Scheduler:
    """The scheduler as one caller sees it; failures are raised as PresslineError."""

    def __init__(self, stubs: Stubs, api_key: str) -> None:
        self.stubs = stubs
        self._metadata = (("authorization", f"Bearer {api_key}"),)

    async def call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Answer],
        request: Request,
        seconds: float = CALL_SECONDS,
    ) -> Answer:
        """Make one unary call in the caller's name."""
        try:
            return await translated(method(request, metadata=self._metadata, timeout=seconds))
        except PresslineError as error:
            raise renamed(error, READS) from error

    async def create_batch(self, messages: Sequence[batch_pb2.CreateBatchRequest]) -> batch_pb2.CreateBatchResponse:
        """Stream a batch. It exists once this returns, and not at all if it raises."""
        create = self.stubs.batches.CreateBatch
        return await translated(create(iter(messages), metadata=self._metadata, timeout=CREATE_SECONDS))

    async def check_batch(self, messages: Sequence[batch_pb2.CheckBatchRequest]) -> batch_pb2.CheckBatchResponse:
        """Stream a batch that is only checked."""
        check = self.stubs.batches.CheckBatch
        return await translated(check(iter(messages), metadata=self._metadata, timeout=CREATE_SECONDS))

    async def create_asset(self, messages: Iterator[asset_pb2.CreateAssetRequest]) -> asset_pb2.Asset:
        """Stream an upload."""
        create = self.stubs.assets.CreateAsset
        return await translated(create(messages, metadata=self._metadata, timeout=CREATE_SECONDS))

    async def read_asset(self, asset_id: str) -> AsyncGenerator[bytes, None]:
        """The bytes of an asset."""
        request = asset_pb2.ReadAssetRequest(asset_id=asset_id)
        call = self.stubs.assets.ReadAsset(request, metadata=self._metadata, timeout=CREATE_SECONDS)
        try:
            async for part in call:
                yield part.data
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        finally:
            call.cancel()

    async def watch(self, batch_id: str, after: int) -> AsyncGenerator[batch_pb2.Batch, None]:
        """A batch and its changes after a revision, until it has ended or the stream breaks."""
        request = batch_pb2.WatchBatchRequest(batch_id=batch_id, after_revision=after)
        call = self.stubs.batches.WatchBatch(request, metadata=self._metadata, timeout=WATCH_SECONDS)
        try:
            async for batch in call:
                yield batch
        except grpc.aio.AioRpcError as error:
            raise from_rpc_error(error) from error
        finally:
            call.cancel()
