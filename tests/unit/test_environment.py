"""Which time zones, locales and clocks a batch may name, in the native API and in the RPC contract."""

from __future__ import annotations

import re
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import ValidationError

from pressline.batch.v1.batch_pb2 import BATCH_STATE_PENDING, Batch, BatchSpec, Environment
from pressline.task.v1.task_pb2 import Task
from services.common import environment as allowed
from services.gateway.models.native import BatchBody
from services.gateway.translate import native
from services.gateway.translate.paths import NATIVE, rename
from services.renderer.engine.environment import of_task
from services.renderer.engine.model import Environment as Rendering
from services.scheduler import environment


def body(**fields: object) -> BatchBody:
    return BatchBody.model_validate({"defaults": {"html": "x"}, "items": [{}], **fields})


def faults(**fields: object) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        body(**fields)
    return {str(error["loc"][0]): error["msg"] for error in caught.value.errors()}


@pytest.mark.parametrize("name", ["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Asia/Kolkata", "Etc/GMT+5"])
def test_time_zones(name: str) -> None:
    assert allowed.is_timezone(name)
    assert native.batch_spec(body(timezone=name)).environment.timezone == name


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "europe/berlin", "+02:00", "localtime", "Factory", "../etc/passwd", "UTC\n", "GMT+5"]
)
def test_what_is_no_time_zone(name: str) -> None:
    assert faults(timezone=name) == {"timezone": allowed.NOT_A_TIMEZONE}


@pytest.mark.parametrize(
    "tag", ["en", "de-DE", "zh-Hant-TW", "es-419", "de-CH-1996", "sl-rozaj-biske", "ar-EG-u-nu-latn", "EN-us", "fil"]
)
def test_locales(tag: str) -> None:
    assert allowed.is_locale(tag)
    assert native.batch_spec(body(locale=tag)).environment.locale == tag


@pytest.mark.parametrize(
    "tag",
    [
        *("", "en_US", "english", "e", "en-", "en-USA", "de--DE", "de-DE-u", "x-foo", "i-klingon", "de-1996-1996"),
        *("en-US.UTF-8", "dé", "en\n", "en-US,de;q=0.5", "de-u-" + "-".join(["nu-latn"] * 9)),
    ],
)
def test_what_is_no_locale(tag: str) -> None:
    assert faults(locale=tag) == {"locale": allowed.NOT_A_LOCALE}


@pytest.mark.parametrize(
    ("given", "utc"),
    [
        ("2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z"),
        ("2026-03-01T09:00:00.250+02:00", "2026-03-01T07:00:00.250Z"),
        ("2026-03-01t09:00:00.123456789z", "2026-03-01T09:00:00.123456Z"),
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
        ("2199-12-31T23:59:59Z", "2199-12-31T23:59:59Z"),
    ],
)
def test_clocks(given: str, utc: str) -> None:
    assert native.batch_spec(body(clock=given)).environment.clock.ToJsonString() == utc


@pytest.mark.parametrize(
    "given",
    [
        *("2026-03-01", "2026-03-01T09:00:00", "2026-03-01T09:00Z", "2026-02-30T09:00:00Z", "2026-03-01T25:00:00Z"),
        *("now", "", "٢026-03-01T09:00:00Z", "2026-03-01T09:00:00Z\n", 1772355600, None, True),
    ],
)
def test_what_is_no_clock(given: Any) -> None:
    if given is None:
        assert not native.batch_spec(body(clock=None)).environment.HasField("clock")
    else:
        assert re.search("RFC 3339", faults(clock=given)["clock"])


@pytest.mark.parametrize("given", ["1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "0001-01-01T00:00:00+05:00"])
def test_a_clock_is_of_our_days(given: str) -> None:
    assert "clock" in faults(clock=given)


def test_everything_wrong_is_named_at_once() -> None:
    assert faults(timezone="Moon", locale="?", clock="soon").keys() == {"timezone", "locale", "clock"}
    wrong = Environment(timezone="Moon", locale="?", clock=Timestamp(seconds=-1))
    paths = [violation.path for violation in environment.violations(wrong, "spec.environment")]
    assert [rename(path, NATIVE) for path in paths] == ["timezone", "locale", "clock"]


@pytest.mark.parametrize("clock", [Timestamp(seconds=10**17), Timestamp(nanos=-1), Timestamp(seconds=7258118400)])
def test_a_timestamp_beyond_the_calendar_is_refused(clock: Timestamp) -> None:
    found = list(environment.violations(Environment(clock=clock), "e"))
    assert [violation.path for violation in found] == ["e.clock"]


def test_what_is_left_open_has_a_default_and_the_clock_stays_open() -> None:
    assert not list(environment.violations(BatchSpec().environment, "e"))
    kept = environment.of({"environment": environment.stored(BatchSpec().environment)})
    assert (kept.timezone, kept.locale, kept.HasField("clock")) == ("UTC", "en-US", False)
    assert environment.of({}) == kept


def test_a_batch_shows_its_environment() -> None:
    spec = native.batch_spec(body(timezone="Asia/Tokyo", locale="ja-JP", clock="1970-01-01T00:00:00Z"))
    kept = environment.of({"environment": environment.stored(spec.environment)})
    shown = native.batch(Batch(state=BATCH_STATE_PENDING, environment=kept))
    assert (shown["timezone"], shown["locale"], shown["clock"]) == ("Asia/Tokyo", "ja-JP", "1970-01-01T00:00:00Z")
    assert native.batch(Batch(state=BATCH_STATE_PENDING))["clock"] is None


def test_a_task_without_a_clock_is_rendered_at_its_batchs_time() -> None:
    task = Task(environment=Environment(timezone="Asia/Tokyo", locale="ja-JP"), batch_create_time=Timestamp(seconds=5))
    assert of_task(task) == Rendering("Asia/Tokyo", "ja-JP", 5_000, fixed=False)
    task.environment.clock.FromMilliseconds(0)
    assert of_task(task) == Rendering("Asia/Tokyo", "ja-JP", 0, fixed=True)
    assert of_task(Task()) == Rendering("UTC", "en-US", 0, fixed=False)
