"""What another protocol version would change: row by row, and for whom. Nothing is stored before it is activated."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from dosing.selectors.shown import Content, visit_code
from labs.selectors.course import courses_for
from protocol.compare import compare
from protocol.measurements import Course
from protocol.response import ResponseHistory, TimePoint, assess
from protocol.samples import RELEVANT
from protocol.schema import Protocol
from protocol.versions import VERSIONS
from protocol.vocabulary import Response
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
class Effect:
    """How many subjects were judged by both versions, and who of them would be judged otherwise."""

    judged: int
    reclassified: tuple[Reclassified, ...]


def effect_of(trial: Protocol) -> Effect:
    """Every treated subject in reach who is not on that version yet, under both; four queries whatever their number."""
    treated = Subject.objects.filter(entered_in_error_at=None).exclude(day1_on=None)
    others = treated.exclude(protocol_version=trial.version).select_related("site").order_by("subject_number")
    subjects = list(others)
    courses = courses_for(subjects, analytes=RELEVANT)
    found = (_reclassified(one, courses[one.pk], trial) for one in subjects)
    return Effect(len(subjects), tuple(one for one in found if one is not None))


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
