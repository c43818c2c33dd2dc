"""Field masks: which fields of an answer its caller reads. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

from services.common.errors import Violation, invalid

MAX_PATHS = 100
# The fields that are wanted of a message, and within each what is wanted of it; nothing more means all of it.
_Tree = dict[str, "_Tree"]
T = TypeVar("T", bound=Message)


class ReadMask:
    """The fields of one kind of message that a caller asked for; all of them when it named none.

    A path may also lead into a list of messages: `outputs.sha256` is that of every output.

    Args:
        mask: the request's read_mask.
        kind: what it is of.

    Raises:
        PresslineError: VALIDATION_ERROR, naming every path that leads nowhere.
    """

    def __init__(self, mask: FieldMask, kind: type[Message]) -> None:
        if len(mask.paths) > MAX_PATHS:
            raise invalid(Violation("read_mask", f"has at most {MAX_PATHS} paths"))
        fields, name = kind.DESCRIPTOR.fields_by_name, kind.DESCRIPTOR.name
        wrong = [path for path in mask.paths if not _leads_somewhere(path.split("."), fields)]
        if wrong:
            raise invalid(*(Violation("read_mask", f"{path!r} is no field of {name}") for path in wrong))
        self._tree = _tree(mask.paths)

    def wants(self, *paths: str) -> bool:
        """Whether one of some fields, or something in it, is asked for."""
        return not self._tree or any(_reaches(self._tree, path.split(".")) for path in paths)

    def trim(self, message: T) -> T:
        """The message, without what is not asked for."""
        if self._tree:
            _trim(message, self._tree)
        return message


def _leads_somewhere(names: list[str], fields: Mapping[str, Any]) -> bool:
    field = fields.get(names[0])
    if field is None or len(names) == 1:
        return field is not None
    inner = field.message_type
    is_message = inner is not None and not inner.GetOptions().map_entry
    return is_message and _leads_somewhere(names[1:], inner.fields_by_name)


def _tree(paths: Iterable[str]) -> _Tree:
    root: _Tree = {}
    # Shorter paths first, so that a field that is wanted whole is not narrowed by what it holds.
    for path in sorted(paths, key=len):
        node, names = root, path.split(".")
        for depth, name in enumerate(names):
            known = name in node
            node = node.setdefault(name, {})
            if known and not node and depth < len(names) - 1:
                break
    return root


def _reaches(tree: _Tree, names: list[str]) -> bool:
    if names[0] not in tree:
        return False
    inner = tree[names[0]]
    return not inner or len(names) == 1 or _reaches(inner, names[1:])


def _trim(message: Message, tree: Mapping[str, _Tree]) -> None:
    for field, value in message.ListFields():
        inner = tree.get(field.name)
        if inner is None:
            message.ClearField(field.name)
        elif inner:
            for each in _messages(field, value):
                _trim(each, inner)


def _messages(field: FieldDescriptor, value: object) -> Iterator[Message]:
    if field.is_repeated:
        assert isinstance(value, Iterable)  # noqa: S101 - the descriptor says so
        yield from value
    else:
        assert isinstance(value, Message)  # noqa: S101 - likewise
        yield value
