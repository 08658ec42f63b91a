"""One serious event of the last days: the sponsor has it, its causes are signed, and the authority's clock runs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from uuid import NAMESPACE_OID, uuid5

from reporting.demonstration.acts import Someone, tell_of_serious_event
from reporting.demonstration.chronicle import moment
from reporting.demonstration.lives import LIVES
from reporting.demonstration.stage import Stage
from safety.services import Event, report_adverse_event
from safety.vocabulary import ActionTaken, Attribution, Outcome, Seriousness
from trialsite.context import reading
from trialsite.models import Subject
from trialsite.partial_dates import parse

SITE = "01"
#: Who has it: the subject whose first dose fell so many days before the anchor.
DAY1_BEFORE = 104
HAPPENED, REPORTED = timedelta(days=5), timedelta(days=4)


def serious_event(stage: Stage) -> Iterator[date]:
    """Atrial fibrillation, which is not on the list of anakinra and may come from it."""
    on = stage.anchor - REPORTED
    yield on
    number, life = next(
        (number, life) for number, life in enumerate(LIVES, start=1) if (life.site, life.day1) == (SITE, DAY1_BEFORE)
    )
    one = Someone(stage, life, number)
    with reading(one.coordinator, moment(on)):
        day1 = stage.anchor - timedelta(days=DAY1_BEFORE)
        one.subject_id = Subject.objects.get(site=stage.sites[SITE], day1_on=day1).pk
    event = report_adverse_event(
        by=one.coordinator, at=moment(on), token=uuid5(NAMESPACE_OID, f"serious {one.subject_id}"),
        subject_id=one.subject_id, site_id=one.site_id,
        event=Event(
            term="Atrial fibrillation", grade=3, reported_as="Palpitations, admitted for two days",
            serious=frozenset({Seriousness.HOSPITAL}), outcome=Outcome.RECOVERING,
            started=parse(f"{stage.anchor - HAPPENED:%-d %b %Y}", on),
            attribution_anakinra=Attribution.POSSIBLE, attribution_dexamethasone=Attribution.NOT_GIVEN,
            action_anakinra=ActionTaken.NONE, action_dexamethasone=ActionTaken.NOT_GIVEN,
        ),
    )  # fmt: skip
    tell_of_serious_event(one, event=event, on=on, authority_too=False)
