"""Checking a row against a template's variables before anything is rendered. Pure, and prepared once per template."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json, to_json

from pressline.template.v1.template_pb2 import Variable
from services.common.errors import Violation
from services.scheduler.variables import TYPE_NAMES, is_of, steps

# A row may hold lists of thousands; its author needs the first few places.
MAX_FAULTS = 20
_NAMES = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "an array", dict: "an object"}


@dataclass
class _Rule:
    """What is asked of the value at one place of a row, and of what is in it."""

    required: bool = False
    # A declared value may not be null either; Handlebars itself prints null as nothing.
    not_null: bool = False
    type: int = 0
    default: bytes = b""
    fields: dict[str, _Rule] = field(default_factory=dict)
    element: _Rule | None = None

    @property
    def asks(self) -> bool:
        inner = (*self.fields.values(), *((self.element,) if self.element else ()))
        return bool(self.required or self.type or self.default or any(rule.asks for rule in inner))


@dataclass(frozen=True)
class CheckedRow:
    """A row with its defaults filled in, and what is wrong with it; paths are places in the row."""

    data_json: bytes
    faults: tuple[Violation, ...] = ()

    @property
    def sentence(self) -> str:
        """What is wrong, for the row's author."""
        said = "; ".join(f'"{fault.path}" {fault.message}' for fault in self.faults)
        return f"The row does not fit the template: {said}."


class RowCheck:
    """The check of one template's rows.

    Args:
        declared: the author's variables; their types are checked, and their defaults filled in.
        variables: all variables, the declared ones included.
        missing: whether a required value that is not there is a fault.
    """

    def __init__(self, declared: Iterable[Variable], variables: Iterable[Variable], *, missing: bool) -> None:
        self._root = _Rule()
        for variable in variables:
            self._rule(variable.name).required = missing and variable.required
        for variable in declared:
            rule = self._rule(variable.name)
            rule.type, rule.default = variable.type, variable.default_json
            rule.not_null = missing and variable.required
        self._asks = self._root.asks

    def __call__(self, data_json: bytes) -> CheckedRow:
        """Check a row, a JSON object or nothing."""
        if not self._asks:
            return CheckedRow(data_json)
        row = from_json(data_json) if data_json else {}
        walk = _Walk()
        walk.inside(row, self._root, "")
        return CheckedRow(to_json(row) if walk.changed else data_json, tuple(walk.faults))

    def _rule(self, name: str) -> _Rule:
        rule = self._root
        for step in steps(name):
            if step is None:
                rule.element = rule.element or _Rule()
                rule = rule.element
            else:
                rule = rule.fields.setdefault(step, _Rule())
        return rule


class _Walk:
    """One way through a row; values that are not there are filled in where there is a default."""

    def __init__(self) -> None:
        self.faults: list[Violation] = []
        self.changed = False

    def inside(self, value: Any, rule: _Rule, path: str) -> None:
        """Check the fields of an object and the elements of a list. What is neither, the template may still print."""
        if isinstance(value, dict):
            for name, inner in rule.fields.items():
                self._field(value, name, inner, f"{path}.{name}" if path else name)
        if rule.element is not None and isinstance(value, (list, dict)):
            for key, each in enumerate(value) if isinstance(value, list) else value.items():
                if len(self.faults) >= MAX_FAULTS:
                    return
                self._value(each, rule.element, f"{path}[{key}]")

    def _field(self, parent: dict[str, Any], name: str, rule: _Rule, path: str) -> None:
        if name in parent:
            self._value(parent[name], rule, path)
        elif rule.default:
            parent[name] = from_json(rule.default)
            self.changed = True
        elif rule.required:
            self._fault(path, "is missing")

    def _value(self, value: Any, rule: _Rule, path: str) -> None:
        if value is None:
            if rule.not_null:
                self._fault(path, "is null")
        elif rule.type and not is_of(value, rule.type):
            self._fault(path, f"must be {TYPE_NAMES[rule.type]}, not {_NAMES[type(value)]}")
        else:
            self.inside(value, rule, path)

    def _fault(self, path: str, message: str) -> None:
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Violation(path, message))
