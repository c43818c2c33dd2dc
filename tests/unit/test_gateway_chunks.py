"""The create stream: order kept, messages small, large items alone."""

from __future__ import annotations

import pytest

from pressline.batch.v1 import batch_pb2
from services.common.errors import PresslineError, Reason
from services.common.rpc import MAX_MESSAGE_BYTES
from services.gateway.translate.chunks import CHUNK_BYTES, CHUNK_ITEMS, MAX_ITEM_BYTES, messages

SPEC = batch_pb2.BatchSpec(dialect=batch_pb2.DIALECT_NATIVE)
SMALL_MESSAGE = 4 * 1024 * 1024


def items(*sizes: int) -> list[batch_pb2.ItemSpec]:
    return [batch_pb2.ItemSpec(data_json=b"x" * size, reference=str(index)) for index, size in enumerate(sizes)]


def test_the_spec_comes_first_and_the_items_in_order() -> None:
    sent = items(*([10] * 1234), CHUNK_BYTES * 3, *([400_000] * 10))
    first, *rest = messages(SPEC, sent)
    assert first.spec == SPEC
    assert [item for message in rest for item in message.items.items] == sent


def test_messages_stay_small() -> None:
    for message in messages(SPEC, items(*([10] * 2000), *([300_000] * 20))):
        assert message.ByteSize() < SMALL_MESSAGE
        assert len(message.items.items) <= CHUNK_ITEMS


def test_an_item_above_a_chunk_travels_alone() -> None:
    sizes = [
        [len(item.data_json) for item in message.items.items] for message in messages(SPEC, items(5, 5_000_000, 5))
    ]
    assert sizes == [[], [5], [5_000_000], [5]]


def test_the_largest_item_fits_a_message() -> None:
    item = batch_pb2.ItemSpec(data_json=b"x" * (MAX_ITEM_BYTES - 5))
    assert item.ByteSize() == MAX_ITEM_BYTES
    assert max(message.ByteSize() for message in messages(SPEC, [item])) < MAX_MESSAGE_BYTES


def test_a_larger_one_is_refused_by_its_index() -> None:
    with pytest.raises(PresslineError, match="Item 1 is larger") as caught:
        list(messages(SPEC, items(5, MAX_ITEM_BYTES)))
    assert caught.value.reason is Reason.PAYLOAD_TOO_LARGE
