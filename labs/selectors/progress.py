"""How far a job has come with a large file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from labs.models import ImportRow, LabImport
from labs.selectors.imports import GOOD
from trialsite.models import OutboxMessage
from trialsite.outbox import News

State = LabImport.State
BUSY = (State.READING, State.CHECKING, State.IMPORTING)


@dataclass(frozen=True)
class Progress:
    """done of whole rows; both are 0 where that is not counted. tried_again_at: after a batch that failed."""

    state: str
    done: int
    whole: int
    tried_again_at: datetime | None

    @property
    def waits(self) -> bool:
        """True while no worker has begun."""
        return self.whole > 0 and self.done == 0 and self.tried_again_at is None


def progress_of(imported: LabImport) -> Progress | None:
    """None for a file that no job works on; two queries."""
    if imported.state not in BUSY:
        return None
    waiting = OutboxMessage.objects.filter(
        kind=News.LAB_FILE_WAITS,
        site_id=imported.site_id,
        payload__import=str(imported.pk),
        done_at=None,
        attempts__gt=0,
    ).first()
    done, whole = _counted(imported)
    return Progress(imported.state, done, whole, waiting.next_attempt_at if waiting else None)


def _counted(imported: LabImport) -> tuple[int, int]:
    rows = ImportRow.objects.filter(lab_import=imported)
    if imported.state == State.READING:
        return rows.count(), imported.result_count or 0
    if imported.state == State.CHECKING:
        return 0, 0
    counts = rows.aggregate(
        done=Count("pk", filter=Q(settled_at__gte=imported.accepted_at)),
        good=Count("pk", filter=Q(settled_at=None, disposition__in=GOOD)),
    )
    return counts["done"], counts["done"] + counts["good"]
