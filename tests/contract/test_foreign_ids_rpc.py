"""What belongs to one account is not there for another, on every public RPC that takes an id.

Methods are those that the listener serves by reflection, so that a new one is walked as well: its fields are explained
in tests/support/belongings.py, and what else it must be sent in `ALSO` below.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import grpc
import httpx2
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

import pressline
from pressline.archive.v1 import archive_pb2
from pressline.template.v1 import template_pb2
from services.common import scopes
from tests.support.belongings import KINDS, Belongings, make_belongings, unknown_like
from tests.support.gateway import CARD, api
from tests.support.stack import Stack

CALL_SECONDS = 60
# What makes a request sound, so that it is the id that decides the answer.
ALSO: Mapping[str, Message] = {
    "UpdateTemplate": template_pb2.UpdateTemplateRequest(
        content=template_pb2.TemplateContent(name="other", html=CARD, width=300, height=200)
    ),
    "CreateArchive": archive_pb2.CreateArchiveRequest(format=archive_pb2.ARCHIVE_FORMAT_ZIP),
}
# Not what is looked for: refused whatever it names, on the listener where the key decides the account.
REFUSED = {("CreateKey", "account_id")}
# A list that is narrowed by what nobody has is empty.
EMPTY_LISTS = {("ListAccountItems", "template_id")}
Told = tuple[grpc.StatusCode, str, str]


@dataclass(frozen=True)
class Place:
    """A field of a method's request that takes an id."""

    method: MethodDescriptor
    field: str

    @property
    def name(self) -> tuple[str, str]:
        return self.method.name, self.field

    def call(self, channel: grpc.Channel, key: str, value: str) -> Told:
        """What the call with an id comes to, without what is different each time."""
        request = message_factory.GetMessageClass(self.method.input_type)()
        if self.method.name in ALSO:
            request.CopyFrom(ALSO[self.method.name])
        setattr(request, self.field, value)
        try:
            answer = self._answer(channel, request, (("authorization", f"Bearer {key}"),))
        except grpc.RpcError as error:
            return error.code(), str(error.details()).replace(value, "<id>"), reason_of(error)
        return grpc.StatusCode.OK, str(answer), ""

    def _answer(self, channel: grpc.Channel, request: Message, metadata: tuple[tuple[str, str], ...]) -> Message:
        """The answer, or the first one."""
        path = f"/{self.method.containing_service.full_name}/{self.method.name}"
        write, read = type(request).SerializeToString, message_factory.GetMessageClass(self.method.output_type)
        if self.method.server_streaming:
            stream = channel.unary_stream(path, request_serializer=write, response_deserializer=read.FromString)
            return next(stream(request, timeout=CALL_SECONDS, metadata=metadata))
        call = channel.unary_unary(path, request_serializer=write, response_deserializer=read.FromString)
        return call(request, timeout=CALL_SECONDS, metadata=metadata)


def reason_of(error: grpc.RpcError) -> str:
    """The typed cause that travels with a status."""
    status, info = rpc_status.from_call(error), error_details_pb2.ErrorInfo()
    assert status is not None
    assert any(detail.Unpack(info) for detail in status.details)
    return str(info.reason)


@pytest.fixture(scope="module")
def channel(stack: Stack) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(stack.grpc) as connected:
        yield connected


@pytest.fixture(scope="module")
def owner(stack: Stack) -> Iterator[httpx2.Client]:
    with api(stack, account="tests-rpc-owner") as client:
        yield client


@pytest.fixture(scope="module")
def belongings(owner: httpx2.Client) -> Belongings:
    return make_belongings(owner)


@pytest.fixture(scope="module")
def methods(channel: grpc.Channel) -> list[MethodDescriptor]:
    """Every method that callers with an API key can reach."""
    for found in pkgutil.walk_packages(pressline.__path__, "pressline."):
        if found.name.endswith("_pb2"):
            importlib.import_module(found.name)
    served = ProtoReflectionDescriptorDatabase(channel).get_services()
    pool = descriptor_pool.Default()
    return [
        method
        for service in served
        if service.startswith("pressline.")
        for method in pool.FindServiceByName(service).methods
    ]


def places(methods: list[MethodDescriptor]) -> list[Place]:
    return [
        Place(method, field.name)
        for method in methods
        for field in method.input_type.fields
        if field.type == FieldDescriptor.TYPE_STRING and (field.name == "id" or field.name.endswith(("_id", "_ids")))
    ]


def test_the_methods_served_are_those_that_scopes_are_given_for(methods: list[MethodDescriptor]) -> None:
    served = {f"/{method.containing_service.full_name}/{method.name}" for method in methods}
    assert served == set(scopes.METHODS)


def test_every_id_is_explained(methods: list[MethodDescriptor]) -> None:
    found = places(methods)
    unexplained = [place.name for place in found if place.field not in KINDS and place.name not in REFUSED]
    assert not unexplained, "say in tests/support/belongings.py what these name"
    assert {place.name for place in found} > {("GetBatch", "batch_id"), ("WatchBatch", "batch_id")}
    assert not [place.name for place in found if place.method.client_streaming]


def test_ids_of_another_account_are_as_unknown_as_those_of_nothing(
    stack: Stack, channel: grpc.Channel, belongings: Belongings, methods: list[MethodDescriptor]
) -> None:
    key = stack.key(account="tests-rpc-owners-neighbour")
    wrong = []
    for place in places(methods):
        if place.name in REFUSED:
            continue
        for foreign in belongings.of(KINDS[place.field]):
            theirs = place.call(channel, key, foreign)
            nothing = place.call(channel, key, unknown_like(foreign))
            expected = (
                (grpc.StatusCode.OK, "") if place.name in EMPTY_LISTS else (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
            )
            if theirs != nothing or (theirs[0], theirs[2]) != expected:
                wrong.append((place.name, foreign, theirs, nothing))
    assert not wrong


def test_the_owner_gets_at_them(
    owner: httpx2.Client, channel: grpc.Channel, belongings: Belongings, methods: list[MethodDescriptor]
) -> None:
    """Else the walk above would prove nothing: the same calls in the owner's name find what is there."""
    key = str(owner.headers["authorization"]).removeprefix("Bearer ")
    reads = [place for place in places(methods) if place.method.name.startswith(("Get", "List"))]
    found = {place.name: place.call(channel, key, belongings.there[KINDS[place.field]])[0] for place in reads}
    assert set(found.values()) == {grpc.StatusCode.OK}, found


def test_a_key_cannot_be_made_for_another_account(
    stack: Stack, channel: grpc.Channel, methods: list[MethodDescriptor]
) -> None:
    key = stack.key(account="tests-rpc-owners-neighbour")
    (place,) = (place for place in places(methods) if place.name in REFUSED)
    theirs, nothing = (place.call(channel, key, account) for account in ("tests-rpc-owner", "tests-no-such-account"))
    assert theirs == nothing
    assert theirs[0] is grpc.StatusCode.INVALID_ARGUMENT
