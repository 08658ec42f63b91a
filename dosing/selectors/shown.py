"""What an investigator is shown before signing, as plain JSON: the proposal, its trace, the results it rests on.

The fingerprint of this content travels through the form, so that nothing is ever signed that was not on the screen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from dosing.selectors.phases import course_of
from dosing.vocabulary import ACTIONABLE
from protocol.derived import pct_change, round_half_up
from protocol.explain import plain, to_json
from protocol.measurements import Course, Measurement
from protocol.phases import Proposal, propose
from protocol.response import EpochHistory, ResponseHistory, TimePoint, assess
from protocol.samples import RELEVANT
from protocol.schema import Protocol
from protocol.vocabulary import Analyte, Phase, ProposalKind
from trialsite.models import Subject
from trialsite.selectors import protocol_of
from trialsite.services.signatures import digest

Content = dict[str, Any]

#: Results listed under the trace, in this order, where the subject has them.
LISTED = (
    Analyte.SERUM_M,
    Analyte.IGA,
    Analyte.URINE_M,
    Analyte.FLC_KAPPA,
    Analyte.FLC_LAMBDA,
    Analyte.BM_PC,
    Analyte.PCLI,
    Analyte.HS_CRP,
    Analyte.HB,
    Analyte.CREATININE,
    Analyte.CALCIUM,
)
#: The slot at which a phase is decided, for the address of a page before any sample is there.
DECIDED_AT = {
    Phase.INDUCTION: "m06",
    Phase.ANAKINRA_ONLY: "m12",
    Phase.LOW_DEX_7_12: "m12",
    Phase.LOW_DEX_13_18: "m18",
}
NO_SLOT = "end"
#: Waiting proposals that a signed override may replace (a method change, a late sample).
OVERRIDABLE = (ProposalKind.AWAIT_CONFIRMATION, ProposalKind.AWAIT_DATA)
_BASIS_KEYS = ("source", "sources")


@dataclass(frozen=True)
class Computed:
    """The machine's answer for one subject on one day. `kind` None: there is nothing to decide."""

    kind: ProposalKind | None
    phase: Phase | None
    rule: str
    words: str
    content: Content
    history: ResponseHistory
    proposal: Proposal

    @property
    def fingerprint(self) -> str:
        return digest(self.content)


def computed(
    subject: Subject,
    today: date,
    course: Course | None = None,
    state: Phase | None = None,
    trial: Protocol | None = None,
) -> Computed:
    """What the rules say about this subject today, with all they rest on.

    `course`, `state` and `trial`: where they are loaded already, or as they were on another day.
    """
    course = course or course_of(subject)
    state = state or Phase(subject.state)
    trial = trial or protocol_of(subject)
    history = assess(course, trial, today)
    proposal = propose(state, course, history, today, trial)
    content = {**_content(subject.number, state, history, proposal), **_basis(course, history, proposal, trial)}
    return Computed(proposal.kind, proposal.phase, proposal.rule, proposal.words, content, history, proposal)


def _basis(course: Course, history: ResponseHistory, proposal: Proposal, trial: Protocol) -> Content:
    return point_content(course, history, _deciding(history, proposal), trial)


def _deciding(history: ResponseHistory, proposal: Proposal) -> TimePoint | None:
    """The time point that a proposal rests on; None where there is nothing to sign."""
    signable = proposal.kind in ACTIONABLE or proposal.kind in OVERRIDABLE
    return history.latest_evaluable or history.latest if signable else None


def _content(number: str, state: Phase, history: ResponseHistory, proposal: Proposal) -> Content:
    point = _deciding(history, proposal)
    return {
        "subject": number,
        "from": state.value,
        "kind": proposal.kind.value if proposal.kind else "",
        "to": proposal.phase.value if proposal.phase else "",
        "rule": proposal.rule,
        "words": proposal.words,
        "target_on": to_json(proposal.target_on),
        "window": to_json(proposal.window),
        "flags": to_json(proposal.flags),
        "waits_for": proposal.waits_for,
        "notes": to_json(proposal.notes),
        "code": _code(state, proposal, point),
    }


def _code(state: Phase, proposal: Proposal, point: TimePoint | None) -> str:
    """The visit whose response decides; while data are awaited, the slot at which the phase is decided."""
    if proposal.kind is not ProposalKind.AWAIT_DATA and point is not None and point.label:
        return visit_code(point)
    return DECIDED_AT.get(state, NO_SLOT)


def visit_code(point: TimePoint) -> str:
    """The visit a time point belongs to; the first where samples of two visits make up one."""
    return point.label.split(" / ")[0]


def point_content(course: Course, history: ResponseHistory, point: TimePoint | None, trial: Protocol) -> Content:
    """A time point with its trace and results as plain JSON; without a point only the versions."""
    versions = {"protocol_version": trial.version, "criteria_version": history.criteria_version.value}
    if point is None:
        return {**versions, "status": history.confirmed_status.value, "point": None, "used": []}
    return {
        **versions,
        "status": history.confirmed_status.value,
        "point": to_json(point),
        "readings": readings(history, point),
        "used": used_results(course, point.on, history.epochs[point.epoch - 1], trial),
    }


def readings(history: ResponseHistory, point: TimePoint) -> list[Content]:
    """One sample against every reference that there is for it; the first decides, the others describe.

    Under low dose the second is the start of dexamethasone (A08); under high dose it is how epoch 1 ended.
    """
    own = history.epochs[point.epoch - 1]
    found = [_reading("study baseline" if point.epoch == 1 else "start of high dose", own, point)]
    beside = history.combination.time_points if history.combination else ()
    found += [
        _reading("start of low-dose dexamethasone", history.combination, one)
        for one in beside
        if one.on == point.on and history.combination
    ]
    if point.epoch > 1:
        judged = [one for one in history.epochs[0].time_points if one.evaluable]
        found += (
            [_reading("study baseline, last sample before high dose", history.epochs[0], judged[-1])] if judged else []
        )
    return found


def _reading(against: str, epoch: EpochHistory, point: TimePoint) -> Content:
    return {
        "against": against,
        "since": epoch.starts_on.isoformat(),
        "on": point.on.isoformat(),
        "timepoint": point.timepoint.value,
        "confirmed": point.confirmed.value,
    }


def point_at(history: ResponseHistory, code: str) -> TimePoint | None:
    """The time point of a visit, the latest where one visit has several."""
    found = [point for point in history.time_points if code in point.label.split(" / ")]
    return found[-1] if found else None


def used_results(course: Course, on: date, epoch: EpochHistory, trial: Protocol) -> list[Content]:
    """Baseline, nadir and value at a time point with their sources and changes in percent (one decimal).

    Baseline and nadir are those of the epoch, so that they agree with the trace.
    """
    rows = (_used(analyte, course, on, epoch, trial) for analyte in LISTED)
    return [row for row in rows if row is not None]


def _used(analyte: Analyte, course: Course, on: date, epoch: EpochHistory, trial: Protocol) -> Content | None:
    within = timedelta(days=trial.config.component_days)
    values = sorted(
        (m for m in course.current().measurements if m.analyte is analyte and m.value is not None),
        key=lambda m: (m.collected_on, m.source),
    )
    before = [m for m in values if _is_before(m, course, epoch)]
    baseline = epoch.baseline.values.get(analyte) if analyte in RELEVANT else before[-1] if before else None
    after = [m for m in values if m not in before and m.collected_on <= on + within]
    near = (m for m in after if abs(m.collected_on - on) <= within)
    now = min(near, key=lambda m: abs(m.collected_on - on), default=None)
    seen = [baseline, *after] if baseline else after
    nadir = min(seen, key=lambda m: (m.value or Decimal(0), m.collected_on), default=None)
    if now is None and baseline is None:
        return None
    return {
        "analyte": analyte.value,
        "label": f"{trial.analytes[analyte].label}, {trial.analytes[analyte].unit}",
        "baseline": _figure(baseline),
        "nadir": _figure(nadir),
        "current": _figure(now),
        "from_baseline": _change(baseline, now),
        "from_nadir": _change(nadir, now),
    }


def _is_before(m: Measurement, course: Course, epoch: EpochHistory) -> bool:
    """True for what can be the reference of an epoch; its first day's sample is taken before the dose."""
    return m.collected_on <= epoch.starts_on if epoch.number > 1 else _is_before_first_dose(m, course)


def _is_before_first_dose(m: Measurement, course: Course) -> bool:
    if course.day1 is None or m.collected_on < course.day1:
        return True
    return m.collected_on == course.day1 and not m.after_first_dose


def _figure(m: Measurement | None) -> Content | None:
    if m is None or m.value is None:
        return None
    return {
        "value": m.comparator + plain(m.value),
        "on": m.collected_on.isoformat(),
        "visit": m.visit,
        "source": m.source,
    }


def _change(reference: Measurement | None, now: Measurement | None) -> str | None:
    """Percent as text; None where it is not defined (no value, or a reference of 0)."""
    if reference is None or now is None or reference.value is None or now.value is None:
        return None
    percent = pct_change(reference.value, now.value)
    return None if percent is None else plain(round_half_up(percent, 1))


def basis_of(content: Mapping[str, Any]) -> tuple[str, ...]:
    """Every source record that the content names, sorted."""
    return tuple(sorted(set(_sources(content)) - {""}))


def _sources(value: object) -> Iterable[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _named(inner) if key in _BASIS_KEYS else _sources(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _sources(inner)


def _named(value: object) -> Iterable[str]:
    return [value] if isinstance(value, str) else [str(one) for one in value] if isinstance(value, list) else []
