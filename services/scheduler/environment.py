"""Where and when a batch is rendered: checked at submit, stored with the batch, handed to renderers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC

from pressline.batch.v1.batch_pb2 import Environment
from services.common import environment as allowed
from services.common.errors import Violation
from services.scheduler.store.database import Document


def violations(environment: Environment, path: str) -> Iterator[Violation]:
    """What is wrong with a submitted environment; what it leaves open is not."""
    if environment.timezone and not allowed.is_timezone(environment.timezone):
        yield Violation(f"{path}.timezone", allowed.NOT_A_TIMEZONE)
    if environment.locale and not allowed.is_locale(environment.locale):
        yield Violation(f"{path}.locale", allowed.NOT_A_LOCALE)
    if environment.HasField("clock") and not _is_clock(environment):
        yield Violation(f"{path}.clock", allowed.NOT_A_CLOCK)


def stored(environment: Environment) -> bytes:
    """The form of an environment in a batch's document; it stays as it is now, whatever the defaults become."""
    return _complete(environment).SerializeToString()


def of(batch: Document) -> Environment:
    """The environment of a stored batch; of one from before there were environments, the defaults."""
    return _complete(Environment.FromString(batch.get("environment", b"")))


def _complete(environment: Environment) -> Environment:
    result = Environment(
        timezone=environment.timezone or allowed.DEFAULT_TIMEZONE,
        locale=environment.locale or allowed.DEFAULT_LOCALE,
        assets_required=environment.assets_required,
    )
    if environment.HasField("clock"):
        result.clock.FromMilliseconds(environment.clock.ToMilliseconds())
    return result


def _is_clock(environment: Environment) -> bool:
    try:
        return allowed.is_clock(environment.clock.ToDatetime(UTC))
    except (ValueError, OverflowError):
        return False
