"""A removal whose answer was lost, sent again by the transport to a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from pressline.template.v1 import template_pb2, template_pb2_grpc
from services.common import rpc
from services.common.errors import PresslineError, Reason, not_found
from services.common.rpc_errors import from_rpc_error
from services.scheduler.api.removals import removal
from tests.support.ports import free_port


class AnswerLostError(Exception):
    """What happens between the removal and its answer."""


class Forgetful(template_pb2_grpc.TemplateServiceServicer):
    """Deletes, and loses its first answers."""

    def __init__(self) -> None:
        self.stored = {"kept", "other"}
        self.calls = 0
        self.losses = 1

    async def DeleteTemplate(  # noqa: N802 - the name in the contract
        self, request: template_pb2.DeleteTemplateRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> template_pb2.DeleteTemplateResponse:
        self.calls += 1
        with removal(context):
            if request.template_id not in self.stored:
                raise not_found("template", request.template_id)
            self.stored.remove(request.template_id)
        if self.losses:
            self.losses -= 1
            raise AnswerLostError
        return template_pb2.DeleteTemplateResponse()


@pytest.fixture
async def served() -> AsyncIterator[tuple[Forgetful, template_pb2_grpc.TemplateServiceStub]]:
    server = rpc.Server(f"127.0.0.1:{free_port()}", unavailable=(AnswerLostError,))
    service = Forgetful()  # type: ignore[abstract]  # one method is enough
    template_pb2_grpc.add_TemplateServiceServicer_to_server(service, server.grpc)
    await server.start()
    channel = rpc.channel(server.address)
    yield service, template_pb2_grpc.TemplateServiceStub(channel)
    await channel.close()
    await server.stop(0)


async def test_a_removal_whose_answer_was_lost_succeeds_when_it_is_repeated(served: Any) -> None:
    service, templates = served
    await templates.DeleteTemplate(template_pb2.DeleteTemplateRequest(template_id="kept"))
    assert service.stored == {"other"}
    assert service.calls == 2


async def test_the_first_removal_of_nothing_is_refused(served: Any) -> None:
    service, templates = served
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await templates.DeleteTemplate(template_pb2.DeleteTemplateRequest(template_id="never-there"))
    error = from_rpc_error(caught.value)
    assert isinstance(error, PresslineError)
    assert error.reason is Reason.NOT_FOUND
    assert service.calls == 1
