"""Routes of archives: all results of a batch in one file."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Path, Response

from pressline.archive.v1 import archive_pb2
from services.gateway.models.answers.archives import Archive
from services.gateway.models.archives import ArchiveBody
from services.gateway.openapi.headers import refer
from services.gateway.openapi.refusals import refusals
from services.gateway.parameters import BatchId
from services.gateway.responses import Json
from services.gateway.routing import CallerScheduler, router
from services.gateway.translate import archives

routes = router()
_LOCATION = refer(("Location",))
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "It has ended before.", "model": Archive, "headers": _LOCATION},
    202: {"description": "It is being made; Location tells where to ask.", "headers": _LOCATION},
    **refusals(400, 409, 410),
}


@routes.post("/v1/batches/{batch_id}:archive", status_code=202, response_model=Archive, responses=_ANSWERS)
async def create_archive(batch_id: BatchId, scheduler: CallerScheduler, body: ArchiveBody | None = None) -> Response:
    """Put all results of an ended batch into one file.

    There is one archive for each batch and format: asking again returns it, and tries again one that failed.
    """
    wanted = archives.FORMATS[(body or ArchiveBody()).format]
    request = archive_pb2.CreateArchiveRequest(batch_id=batch_id, format=wanted)
    made = await scheduler.call(scheduler.stubs.archives.CreateArchive, request)
    answer = Json(archives.archive(made), 200 if archives.ended(made) else 202)
    answer.headers["Location"] = f"/v1/archives/{made.id}"
    return answer


@routes.get("/v1/archives/{archive_id}", response_model=Archive, responses=refusals(410))
async def get_archive(
    archive_id: Annotated[str, Path(description="Of the archive.")], scheduler: CallerScheduler
) -> Response:
    """Read an archive."""
    request = archive_pb2.GetArchiveRequest(archive_id=archive_id)
    return Json(archives.archive(await scheduler.call(scheduler.stubs.archives.GetArchive, request)))
