"""The jobs of the mornings that leave a trace, and what lies unfinished on the last evening."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import NAMESPACE_OID, uuid5

from django.urls import reverse

from dosing.tasks import reevaluate_everyone
from followup.milestones import readings
from followup.services import Book, sign_casebooks
from followup.tasks import sweep_reminders
from protocol.vocabulary import TREATMENT_PHASES
from reporting.demonstration.chronicle import moment
from reporting.demonstration.stage import OPENED_BEFORE, Stage
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject
from trialsite.services.drafts import save_draft

#: Reminders sleep between these mornings; what fell due meanwhile is settled as after a holiday: the newest goes out.
SELDOM = timedelta(days=90)
LAST_DAYS = 8


def morning_jobs(stage: Stage) -> Iterator[date]:
    """Reminders every three months, then on each of the last days; windows that opened or closed on the very last."""
    last_days = [stage.anchor - timedelta(days=days) for days in range(LAST_DAYS, 0, -1)]
    morning = stage.anchor - OPENED_BEFORE + SELDOM
    while morning < last_days[0]:
        yield morning
        sweep_reminders()
        morning += SELDOM
    for morning in last_days:
        yield morning
        sweep_reminders()
    reevaluate_everyone()


def unfinished_entry(stage: Stage, site: str) -> Iterator[date]:
    """A medication that a coordinator began to type and did not save."""
    yield stage.anchor - timedelta(days=1)
    at, coordinator = moment(stage.anchor - timedelta(days=1)), stage.who(Role.COORDINATOR, site)
    with reading(coordinator, at):
        subject = Subject.objects.filter(state__in=TREATMENT_PHASES).order_by("id").last()
    if subject is not None:
        save_draft(
            by=coordinator, at=at, subject_id=subject.pk, site_id=subject.site_id,
            page=reverse("subject_medications", args=[subject.key]),
            typed={"name": "Omeprazole", "indication": "Stomach protection", "started": ""},
        )  # fmt: skip


#: Casebooks were signed last so long ago; those that came due since, and two more, wait.
CASEBOOKS_SIGNED, LEFT = timedelta(days=20), 2


def casebooks(stage: Stage, code: str) -> Iterator[date]:
    """The investigator of a site signs the casebooks that are due, all at once, but for the last two."""
    day = stage.anchor - CASEBOOKS_SIGNED
    yield day
    at, signer, site_id = moment(day), stage.who(Role.INVESTIGATOR, code), stage.sites[code].pk
    with reading(system_actor("verification"), at):
        registered = Subject.objects.filter(site_id=site_id).exclude(subject_number=None).select_related("site")
        due = [one for one in readings(registered.order_by("subject_number")) if one.due]
    books = [Book(one.subject.pk, site_id, one.shown) for one in due[:-LEFT]]
    if books:
        token = uuid5(NAMESPACE_OID, f"casebooks {code}")
        sign_casebooks(by=signer, at=at, proof=stage.proof(signer, at), token=token, books=books)
