"""What leaves is written into the access log when it has left: how many rows, and the SHA-256 of the bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime

from reporting.exporting.streams import Tally, one_state
from trialsite.access import Actor, Duty
from trialsite.context import reading
from trialsite.models import Site
from trialsite.services.access import Access, note_access

Make = Callable[[Tally], Iterator[bytes]]


def leaving(
    make: Make,
    *,
    what: str,
    by: Actor,
    at: datetime,
    request_id: str,
    duty: Duty = Duty.EXPORT,
    site: Site | None = None,
) -> Iterator[bytes]:
    """The bytes that `make` gives, from one state of the database; then one line in the access log.

    `site` is where the person's duty is, None at the coordinating centre. A stream that is broken off is logged too,
    with what had left by then.
    """
    tally = Tally()
    broken = " (broken off)"
    try:
        with one_state(by, at):
            yield from make(tally)
        broken = ""
    finally:
        with reading(by, at):
            access = Access(f"Export: {what}{broken}", site=site, rows=tally.rows, sha256=tally.sha256)
            note_access(by=by, at=at, duty=duty, access=access, request_id=request_id)
