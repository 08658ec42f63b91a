"""Jobs of this room. They take ids by keyword and can run twice without harm."""

import logging
from datetime import datetime

from celery import shared_task

from dosing.services import reevaluate_subject
from protocol.vocabulary import TREATMENT_PHASES
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import coming_from, reading
from trialsite.models import Subject

logger = logging.getLogger(__name__)


@shared_task(name="dosing.tasks.reevaluate")
def reevaluate(*, message_id: int, subject_id: int) -> None:
    """Something about the subject changed: bring its proposal up to date and tell the investigators."""
    reevaluate_subject(subject_id=subject_id, at=clock.now(), caused_by=f"outbox message {message_id}")


@shared_task(name="dosing.tasks.reevaluate_everyone")
def reevaluate_everyone() -> int:
    """Each morning: windows open and close without any new result. The number of subjects done."""
    now = clock.now()
    with coming_from("job reevaluate_everyone"):
        with reading(system_actor("re-evaluation"), now):
            ids = list(Subject.objects.filter(state__in=TREATMENT_PHASES).values_list("id", flat=True))
        return sum(_looked_at(subject_id, now) for subject_id in ids)


def _looked_at(subject_id: int, now: datetime) -> bool:
    """True if it worked; one failing subject never holds the others, and is tried again tomorrow."""
    try:
        reevaluate_subject(subject_id=subject_id, at=now, caused_by="the passing of a day")
    except Exception:
        logger.exception("Subject %s could not be re-evaluated.", subject_id)
        return False
    return True
