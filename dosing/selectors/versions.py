"""What another protocol version would change: row by row, and for whom. Nothing is stored before it is activated."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date, datetime

from dosing.selectors.phases import site_day
from dosing.selectors.shown import Content, visit_code
from enrollment.checklist import overall
from enrollment.evidence import Facts, gather
from enrollment.models import ScreenFailure
from enrollment.selectors import facts_for
from labs.selectors.course import courses_for
from protocol.compare import compare
from protocol.eligibility import judge
from protocol.measurements import Course
from protocol.response import ResponseHistory, TimePoint, assess
from protocol.schema import Protocol
from protocol.versions import VERSIONS
from protocol.vocabulary import CriterionOutcome, Response
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import ParameterConfirmation, Subject
from trialsite.selectors import protocol_of


@dataclass(frozen=True)
class Judged:
    """The response at one visit under one version: of the sample alone, and confirmed by all samples."""

    timepoint: Response
    confirmed: Response


@dataclass(frozen=True)
class Reclassified:
    """A subject whose response another version judges otherwise, at the newest visit where it does."""

    subject: Subject
    code: str
    now: Judged
    under: Judged
    visits: int


@dataclass(frozen=True)
class Rejudged:
    """A subject whose eligibility another version judges otherwise, for the day of registration, failure or today."""

    subject: Subject
    on: date
    now: CriterionOutcome
    under: CriterionOutcome
    criteria: tuple[str, ...]


@dataclass(frozen=True)
class Count:
    """How many treated subjects were judged by both versions, how many responses would differ, how many checklists."""

    treated: int
    reclassified: int
    screened: int
    rejudged: int


@dataclass(frozen=True)
class Effect:
    """Who in reach would be judged otherwise; and of all sites together the bare numbers."""

    judged: int
    reclassified: tuple[Reclassified, ...]
    screened: int
    rejudged: tuple[Rejudged, ...]
    everywhere: Count


def effect_of(trial: Protocol, at: datetime) -> Effect:
    """Every subject who is not on that version yet, under both; as many queries whatever their number.

    All sites are judged, since a criterion is changed for all of them; of those out of reach only numbers are given.
    """
    in_reach = set(Subject.objects.values_list("pk", flat=True))
    with reading(system_actor("verification"), at):
        found = Subject.objects.filter(entered_in_error_at=None).exclude(protocol_version=trial.version)
        subjects = list(found.select_related("site").order_by("subject_number", "screening_number"))
        courses = courses_for(subjects)
        facts = facts_for(subjects, courses)
        failed = dict(ScreenFailure.objects.filter(subject__in=subjects).values_list("subject_id", "failed_on"))
    treated = [one for one in subjects if one.day1_on is not None]
    responses = [_reclassified(one, courses[one.pk], trial) for one in treated]
    reclassified = [one for one in responses if one is not None]
    days = {one.pk: one.registered_on or failed.get(one.pk) or site_day(one.site, at) for one in subjects}
    checklists = [_rejudged(facts[one.pk], days[one.pk], trial) for one in subjects]
    rejudged = [one for one in checklists if one is not None]
    return Effect(
        judged=sum(1 for one in treated if one.pk in in_reach),
        reclassified=tuple(one for one in reclassified if one.subject.pk in in_reach),
        screened=sum(1 for one in subjects if one.pk in in_reach),
        rejudged=tuple(one for one in rejudged if one.subject.pk in in_reach),
        everywhere=Count(len(treated), len(reclassified), len(subjects), len(rejudged)),
    )


def _rejudged(facts: Facts, on: date, trial: Protocol) -> Rejudged | None:
    """None where every criterion reads the same."""
    now, under = (
        {one.criterion_id: one.outcome for one in judge(gather(facts, version, on), version)}
        for version in (protocol_of(facts.subject), trial)
    )
    changed = tuple(name for name in {**now, **under} if now.get(name) is not under.get(name))
    if not changed:
        return None
    return Rejudged(facts.subject, on, overall(now.values()), overall(under.values()), changed)


def _reclassified(subject: Subject, course: Course, trial: Protocol) -> Reclassified | None:
    now, under = (_points(assess(course, version)) for version in (protocol_of(subject), trial))
    different = [(now[key], under[key]) for key in now if key in under and _judged(now[key]) != _judged(under[key])]
    if not different:
        return None
    before, after = different[-1]
    return Reclassified(subject, visit_code(before), _judged(before), _judged(after), len(different))


def _points(history: ResponseHistory) -> dict[tuple[str, str], TimePoint]:
    return {(point.on.isoformat(), point.label): point for point in history.time_points}


def _judged(point: TimePoint) -> Judged:
    return Judged(point.timepoint, point.confirmed)


def unconfirmed_in(trial: Protocol, present: Protocol) -> tuple[str, ...]:
    """Parameters confirmed by signature for the present version and not yet for that one."""
    rows = ParameterConfirmation.objects.filter(protocol_version__in=[trial.version, present.version])
    newest = {(one.name, one.protocol_version): one for one in rows.order_by("id")}
    confirmed = {key for key, one in newest.items() if one.withdrawn_at is None}
    names = sorted({name for name, version in confirmed if version == present.version})
    return tuple(name for name in names if (name, trial.version) not in confirmed)


def next_after(present: Protocol) -> Protocol | None:
    """The draft that may be activated next; None after the newest version."""
    order = list(VERSIONS.values())
    return next(iter(order[order.index(present) + 1 :]), None)


def activation_content(trial: Protocol, present: Protocol, effect: Effect) -> Content:
    """What is shown before activation, and signed, as plain JSON."""
    return {
        "version": trial.version,
        "replaces": present.version,
        "amendment": trial.amendment,
        "changes": [
            {"section": section.heading, **asdict(row)} for section in compare(present, trial) for row in section.rows
        ],
        "judged": effect.judged,
        "everywhere": asdict(effect.everywhere),
        "screened": effect.screened,
        "rejudged": [
            {
                "subject": one.subject.number,
                "on": one.on.isoformat(),
                "version": one.subject.protocol_version,
                "now": one.now.value,
                "under": one.under.value,
                "criteria": list(one.criteria),
            }
            for one in effect.rejudged
        ],
        "reclassified": [
            {
                "subject": one.subject.number,
                "visit": one.code,
                "version": one.subject.protocol_version,
                "now": [one.now.timepoint.value, one.now.confirmed.value],
                "under": [one.under.timepoint.value, one.under.confirmed.value],
            }
            for one in effect.reclassified
        ],
    }
