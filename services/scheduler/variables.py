"""A template's variables: what its author declares, what its documents show, and both put together. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic_core import from_json

from pressline.template.v1 import template_pb2
from pressline.template.v1.template_pb2 import Inspection, TemplateContent, Variable
from services.common.errors import Violation

MAX_VARIABLES = 200
MAX_NAME = 256
MAX_DESCRIPTION = 1_024
MAX_DEFAULT_BYTES = 65_536
MAX_BYTES = 262_144
# A part that holds dots or brackets stands in brackets itself, as in Handlebars.
_PART = r"(?:\[[^\[\]]+\]|[^.\[\]]+)(?:\[\])*"
_NAME = re.compile(rf"{_PART}(?:\.{_PART})*")
_STEP = re.compile(r"\[\]|\[([^\[\]]+)\]|([^.\[\]]+)")
TYPE_NAMES: Mapping[int, str] = {
    template_pb2.VARIABLE_TYPE_STRING: "a string",
    template_pb2.VARIABLE_TYPE_NUMBER: "a number",
    template_pb2.VARIABLE_TYPE_BOOLEAN: "true or false",
    template_pb2.VARIABLE_TYPE_ARRAY: "an array",
    template_pb2.VARIABLE_TYPE_OBJECT: "an object",
}
_PYTHON_TYPES: Mapping[int, tuple[type, ...]] = {
    template_pb2.VARIABLE_TYPE_STRING: (str,),
    template_pb2.VARIABLE_TYPE_NUMBER: (int, float),
    template_pb2.VARIABLE_TYPE_BOOLEAN: (bool,),
    template_pb2.VARIABLE_TYPE_ARRAY: (list,),
    template_pb2.VARIABLE_TYPE_OBJECT: (dict,),
}


def documents(content: TemplateContent) -> dict[str, str]:
    """The Handlebars documents of a template by their path in it: its own, and those of layouts that have one."""
    layouts = {f"layouts.{name}.html": layout.html for name, layout in sorted(content.layouts.items()) if layout.html}
    return {"html": content.html, **layouts}


def steps(name: str) -> list[str | None]:
    """The way to a variable in a row: names of fields, and None for each element of a list."""
    return [match[1] or match[2] for match in _STEP.finditer(name)]


def merged(content: TemplateContent, inspections: Iterable[Inspection]) -> list[Variable]:
    """All variables: the declared ones first, then what the documents use beside them, in order of their first use."""
    found: dict[str, Variable] = {}
    for inspection in inspections:
        for variable in inspection.variables:
            earlier = found.setdefault(variable.name, variable)
            earlier.required = earlier.required or variable.required
    if content.missing == template_pb2.MISSING_POLICY_EMPTY:
        for variable in found.values():
            variable.required = False
    declared = {variable.name: _declared(variable, found.get(variable.name)) for variable in content.variables}
    return list({**declared, **{name: variable for name, variable in found.items() if name not in declared}}.values())


def violations(content: TemplateContent) -> Iterator[Violation]:
    """What is wrong with a template's declarations."""
    if len(content.variables) > MAX_VARIABLES:
        yield Violation("variables", f"has at most {MAX_VARIABLES} entries")
    if sum(variable.ByteSize() for variable in content.variables) > MAX_BYTES:
        yield Violation("variables", f"is larger than {MAX_BYTES} bytes")
    names: set[str] = set()
    for index, variable in enumerate(content.variables):
        path = f"variables[{index}]"
        if not 0 < len(variable.name) <= MAX_NAME or not _NAME.fullmatch(variable.name):
            yield Violation(f"{path}.name", "is a name such as total, customer.name or items[].price")
        if variable.name in names:
            yield Violation(f"{path}.name", f"{variable.name!r} is declared twice")
        names.add(variable.name)
        if len(variable.description) > MAX_DESCRIPTION:
            yield Violation(f"{path}.description", f"is longer than {MAX_DESCRIPTION} characters")
        yield from _default(variable, f"{path}.default")


def is_of(value: Any, kind: int) -> bool:
    """Whether a JSON value is of a type; true and false are no numbers."""
    if kind == template_pb2.VARIABLE_TYPE_NUMBER and isinstance(value, bool):
        return False
    return isinstance(value, _PYTHON_TYPES.get(kind, object))


def _declared(variable: Variable, found: Variable | None) -> Variable:
    """A declaration; what it leaves open is taken from the use of the variable."""
    result = Variable()
    result.CopyFrom(variable)
    result.line = found.line if found else 0
    if found and not variable.type:
        result.type = found.type
    if not variable.HasField("required"):
        result.required = bool(found and found.required and not variable.default_json)
    return result


def _default(variable: Variable, path: str) -> Iterator[Violation]:
    if not variable.default_json:
        return
    if len(variable.default_json) > MAX_DEFAULT_BYTES:
        yield Violation(path, f"is larger than {MAX_DEFAULT_BYTES} bytes")
        return
    try:
        value = from_json(variable.default_json)
    except ValueError:
        yield Violation(path, "is not JSON")
        return
    if not is_of(value, variable.type):
        yield Violation(path, f"must be {TYPE_NAMES[variable.type]}, as the variable's type")
