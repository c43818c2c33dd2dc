"""Variables put together, and rows held against them."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from pressline.template.v1 import template_pb2
from pressline.template.v1.template_pb2 import Inspection, Layout, TemplateContent, Variable
from services.scheduler import variables
from services.scheduler.rowcheck import MAX_FAULTS, RowCheck

TYPES = {
    "string": template_pb2.VARIABLE_TYPE_STRING,
    "number": template_pb2.VARIABLE_TYPE_NUMBER,
    "boolean": template_pb2.VARIABLE_TYPE_BOOLEAN,
    "array": template_pb2.VARIABLE_TYPE_ARRAY,
    "object": template_pb2.VARIABLE_TYPE_OBJECT,
}


def found(*names: str) -> list[Variable]:
    """What an inspection lists; `?` marks the optional ones."""
    return [Variable(name=name.rstrip("?"), required=not name.endswith("?")) for name in names]


def faults(check: RowCheck, row: Any) -> list[tuple[str, str]]:
    data = row if isinstance(row, bytes) else json.dumps(row).encode()
    return [(fault.path, fault.message) for fault in check(data).faults]


def missing(names: list[str], row: Any) -> list[str]:
    said = faults(RowCheck([], found(*names), missing=True), row)
    assert {message for _, message in said} <= {"is missing"}
    return [path for path, _ in said]


@pytest.mark.parametrize(
    ("names", "row", "expected"),
    [
        (["a"], {"a": 1}, []),
        (["a"], {}, ["a"]),
        (["a"], b"", ["a"]),
        (["a?"], {}, []),
        (["a"], {"a": None}, []),
        (["a", "b"], {"c": 1}, ["a", "b"]),
        (["o", "o.x"], {}, ["o"]),
        (["o", "o.x"], {"o": {}}, ["o.x"]),
        (["o", "o.x"], {"o": {"x": 0}}, []),
        (["o?", "o.x"], {}, []),
        (["o", "o.x"], {"o": None}, []),
        (["o", "o.x"], {"o": "text"}, []),
        (["xs", "xs[].a"], {"xs": []}, []),
        (["xs", "xs[].a"], {"xs": [{"a": 1}, {}, {"b": 1}]}, ["xs[1].a", "xs[2].a"]),
        (["xs", "xs[].a"], {"xs": {"k": {}, "l": {"a": 1}}}, ["xs[k].a"]),
        (["xs", "xs[].a"], {"xs": [1, None, "x"]}, []),
        (["xs[].ys[].z"], {"xs": [{"ys": [{"z": 1}, {}]}]}, ["xs[0].ys[1].z"]),
        (["xs[][].z"], {"xs": [[{}]]}, ["xs[0][0].z"]),
        (["first name"], {"first name": 1}, []),
        (["[a.b]"], {"a": {"b": 1}}, ["a.b"]),
        (["[a.b]"], {"a.b": 1}, []),
    ],
)
def test_what_a_template_requires_must_be_there(names: list[str], row: Any, expected: list[str]) -> None:
    assert missing(names, row) == expected


def declared(kind: str, **fields: Any) -> RowCheck:
    variable = Variable(name="v", type=TYPES[kind], **fields)
    return RowCheck([variable], [variable], missing=True)


VALUES: dict[str, Any] = {"string": "x", "number": 1.5, "boolean": True, "array": [1], "object": {"a": 1}}


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize("given", VALUES)
def test_a_declared_type_is_held(kind: str, given: str) -> None:
    assert bool(faults(declared(kind), {"v": VALUES[given]})) == (kind != given)


def test_faults_say_what_was_given() -> None:
    assert faults(declared("number"), {"v": "1"}) == [("v", "must be a number, not a string")]
    assert faults(declared("number"), {"v": True}) == [("v", "must be a number, not a boolean")]
    assert faults(declared("boolean"), {"v": 1}) == [("v", "must be true or false, not a number")]
    assert faults(declared("array"), {"v": {}}) == [("v", "must be an array, not an object")]


def test_null_is_refused_only_where_a_declaration_requires_a_value() -> None:
    assert faults(declared("string", required=True), {"v": None}) == [("v", "is null")]
    assert not faults(declared("string"), {"v": None})
    assert not faults(declared("string"), {})


def test_defaults_fill_what_is_not_there_and_nothing_else() -> None:
    variables_ = [
        Variable(name="a", default_json=b'"x"'),
        Variable(name="o.b", default_json=b"[1]"),
        Variable(name="xs[].c", default_json=b"0"),
    ]
    check = RowCheck(variables_, variables_, missing=True)
    row = b'{"o": {}, "xs": [{"c": 5}, {}], "n": 12345678901234567890}'
    filled = b'{"o":{"b":[1]},"xs":[{"c":5},{"c":0}],"n":12345678901234567890,"a":"x"}'
    assert check(row).data_json == filled
    assert check(b"").data_json == b'{"a":"x"}'
    whole = b'{"a": null, "o": {"b": 1}, "xs": [] }'
    assert check(whole).data_json == whole


def test_without_the_missing_check_types_are_still_held() -> None:
    number = Variable(name="n", type=TYPES["number"], required=True)
    check = RowCheck([number], [number, *found("a", "b")], missing=False)
    assert not faults(check, {})
    assert not faults(check, {"n": None})
    assert faults(check, {"n": "1"}) == [("n", "must be a number, not a string")]


def test_the_first_faults_of_a_row_are_enough() -> None:
    check = RowCheck([], found("xs", "xs[].a", *(f"v{i}" for i in range(30))), missing=True)
    assert len(faults(check, {"xs": [{}] * 100_000})) == MAX_FAULTS
    assert len(faults(check, {})) == MAX_FAULTS


def test_a_row_that_nothing_is_asked_of_is_passed_through() -> None:
    check = RowCheck([], found("a?", "xs[].b?"), missing=True)
    assert check(b'{"a" : 1}').data_json == b'{"a" : 1}'


def test_ten_thousand_rows_take_little_work() -> None:
    names = [f"field{number}" for number in range(20)]
    kinds = [Variable(name=name, type=TYPES["string"]) for name in names[:10]]
    check = RowCheck(kinds, [*kinds, *found(*names[10:], "items", "items[].price")], missing=True)
    row = json.dumps({**dict.fromkeys(names, "value"), "items": [{"price": 1}] * 3}).encode()
    # Of the processor, which others use as well; half a second on most.
    started = time.process_time()
    checked = [check(row) for _ in range(10_000)]
    assert time.process_time() - started < 5
    assert not any(each.faults for each in checked)


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("a", ["a"]),
        ("a.b c", ["a", "b c"]),
        ("a[].b", ["a", None, "b"]),
        ("a[][].b", ["a", None, None, "b"]),
        ("[a.b].c", ["a.b", "c"]),
        ("a[]", ["a", None]),
    ],
)
def test_names_lead_to_places(name: str, way: list[str | None]) -> None:
    assert variables.steps(name) == way


def content(**fields: Any) -> TemplateContent:
    return TemplateContent(html="<p>", **fields)


def test_documents_of_layouts_add_to_the_templates_own() -> None:
    layouts = {"b": Layout(html="B"), "a": Layout(html="A"), "c": Layout(width=1)}
    assert variables.documents(content(layouts=layouts)) == {
        "html": "<p>",
        "layouts.a.html": "A",
        "layouts.b.html": "B",
    }
    merged = variables.merged(
        content(), [Inspection(variables=found("x?", "y")), Inspection(variables=found("x", "z?"))]
    )
    assert [(each.name, each.required) for each in merged] == [("x", True), ("y", True), ("z", False)]


def test_declarations_win_and_leave_open_what_they_do_not_say() -> None:
    used = Inspection(variables=[Variable(name=name, required=True, line=4, type=TYPES["number"]) for name in "abcd"])
    listed = variables.merged(
        content(
            variables=[
                Variable(name="d", required=False),
                Variable(name="c", default_json=b"1"),
                Variable(name="b", type=TYPES["string"], description="B"),
                Variable(name="e", required=True),
            ]
        ),
        [used],
    )
    assert [(each.name, each.type, each.required, each.line) for each in listed] == [
        ("d", TYPES["number"], False, 4),
        ("c", TYPES["number"], False, 4),
        ("b", TYPES["string"], True, 4),
        ("e", 0, True, 0),
        ("a", TYPES["number"], True, 4),
    ]


def test_nothing_is_required_where_missing_values_are_empty() -> None:
    lenient = content(missing=template_pb2.MISSING_POLICY_EMPTY)
    assert not any(each.required for each in variables.merged(lenient, [Inspection(variables=found("a", "b"))]))


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"name": ""}, "variables[0].name"),
        ({"name": "a."}, "variables[0].name"),
        ({"name": ".a"}, "variables[0].name"),
        ({"name": "[]"}, "variables[0].name"),
        ({"name": "a[0]"}, "variables[0].name"),
        ({"name": "a", "default_json": b"{"}, "variables[0].default"),
        ({"name": "a", "default_json": b'"1"', "type": TYPES["number"]}, "variables[0].default"),
    ],
)
def test_declarations_are_checked(fields: dict[str, Any], path: str) -> None:
    assert [each.path for each in variables.violations(content(variables=[Variable(**fields)]))] == [path]
