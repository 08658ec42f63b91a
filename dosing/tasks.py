"""Jobs of this room. They take ids by keyword and can run twice without harm."""

import logging

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
    """Each morning: windows open and close without any new result. The number of subjects looked at."""
    now = clock.now()
    with coming_from("job reevaluate_everyone"):
        with reading(system_actor("re-evaluation"), now):
            ids = list(Subject.objects.filter(state__in=TREATMENT_PHASES).values_list("id", flat=True))
        for subject_id in ids:
            reevaluate_subject(subject_id=subject_id, at=now, caused_by="the passing of a day")
    return len(ids)
