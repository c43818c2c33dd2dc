"""Refusals, in the two forms that there are."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from services.common.errors import Reason
from services.gateway.models.answers.fields import Fault

# What only HTTP can get wrong has codes beside the reasons; a stale attempt concerns renderers alone.
CODES = [reason.value for reason in Reason if reason is not Reason.STALE_ATTEMPT]
CODES += ["METHOD_NOT_ALLOWED", "UNSUPPORTED_MEDIA_TYPE"]
Code = Annotated[
    str, Field(description="A word to branch on; it never changes its meaning.", json_schema_extra={"enum": [*CODES]})
]
Sentence = Annotated[str, Field(description="What is wrong, for people.")]
Faults = Annotated[list[Fault], Field(description="Every field at fault, where fields are; 1,000 at most.")]
RequestId = Annotated[str, Field(description="The same as X-Request-Id: what to quote when asking for help.")]


class Refusal(BaseModel):
    """Why a call was refused."""

    code: Code
    message: Sentence
    fields: Faults | None = None
    request_id: RequestId


class Envelope(BaseModel):
    """A refusal by a route under /v1."""

    error: Refusal


class Problem(BaseModel):
    """A refusal by any other route: RFC 9457 problem details."""

    model_config = ConfigDict(alias_generator=to_camel)

    type: str = Field(description="Always `about:blank`: `code` tells problems apart.")
    title: str = Field(description="The phrase of the status.")
    status: Annotated[int, Field(ge=400, le=599, description="The status of the answer.")]
    detail: Sentence
    code: Code
    errors: Faults | None = None
    request_id: RequestId
