"""Events of the last days: a serious one whose clock runs, and a severe one that asks for a lower dose.

The sponsor has the serious one, its causes are signed, and the authority's clock runs. Of the severe one nothing was
decided yet, so that a rule of dose modification is met.
"""

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
#: The severe event: whose, when it began, and when the site heard of it.
LOW_DOSE_DAY1_BEFORE = 216
BEGAN, TOLD = timedelta(days=6), timedelta(days=3)


def serious_event(stage: Stage) -> Iterator[date]:
    """Atrial fibrillation, which is not on the list of anakinra and may come from it."""
    on = stage.anchor - REPORTED
    yield on
    one = _who(stage, DAY1_BEFORE, on)
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


def severe_event(stage: Stage) -> Iterator[date]:
    """Hyperglycemia of grade 3 on weekly dexamethasone, which lasts; nothing was done with the dose yet."""
    on = stage.anchor - TOLD
    yield on
    one = _who(stage, LOW_DOSE_DAY1_BEFORE, on)
    report_adverse_event(
        by=one.coordinator, at=moment(on), token=uuid5(NAMESPACE_OID, f"severe {one.subject_id}"),
        subject_id=one.subject_id, site_id=one.site_id,
        event=Event(
            term="Hyperglycemia", grade=3, reported_as="Thirst, glucose high on a test strip",
            outcome=Outcome.NOT_RECOVERED, started=parse(f"{stage.anchor - BEGAN:%-d %b %Y}", on),
            attribution_anakinra=Attribution.UNLIKELY, attribution_dexamethasone=Attribution.PROBABLE,
            action_anakinra=ActionTaken.NONE, action_dexamethasone=ActionTaken.NONE,
        ),
    )  # fmt: skip


def _who(stage: Stage, day1_before: int, on: date) -> Someone:
    """The subject of this site whose first dose fell so many days before the anchor."""
    number, life = next(
        (number, life) for number, life in enumerate(LIVES, start=1) if (life.site, life.day1) == (SITE, day1_before)
    )
    one = Someone(stage, life, number)
    with reading(one.coordinator, moment(on)):
        day1 = stage.anchor - timedelta(days=day1_before)
        one.subject_id = Subject.objects.get(site=stage.sites[SITE], day1_on=day1).pk
    return one
