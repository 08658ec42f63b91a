"""From results to responses: epochs, time points, confirmation, and the whole explanation.

`assess` is a pure function of the course and the protocol. The order of entry never matters, and what was true
as of a date never depends on later samples (R-ORDER, R-ASOF).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import cast

from protocol.baseline import QUANTITIES, Baseline, nadir, phase_baseline, study_baseline
from protocol.confirmation import Reported, confirm
from protocol.criteria import best_response
from protocol.explain import Json, Test, to_json, to_json_object
from protocol.mde import candidates, counted, event_tests
from protocol.measurements import Course
from protocol.progression import PdTest, progression_tests
from protocol.samples import Sample, after_first_dose, before_first_dose
from protocol.schema import Protocol
from protocol.view import View
from protocol.vocabulary import (
    PARTIAL_OR_BETTER,
    RESPONDING,
    STANDALONE_PD,
    CriteriaVersion,
    Flag,
    Mde,
    PdReason,
    Phase,
    Response,
)


@dataclass(frozen=True)
class TimePoint:
    """One time point: its own response, the confirmed status, and everything that was tested to get there."""

    on: date
    label: str
    epoch: int
    timepoint: Response
    confirmed: Response
    tests: tuple[Test, ...]
    missing_critical: tuple[str, ...]
    pd_reasons: tuple[PdReason, ...]
    mde: tuple[Mde, ...]
    mde_candidates: tuple[Mde, ...]
    sources: tuple[str, ...]
    assessed: bool
    method_changed: bool
    notes: tuple[str, ...]

    @property
    def evaluable(self) -> bool:
        return self.timepoint is not Response.NE


@dataclass(frozen=True)
class EpochHistory:
    """Responses against one baseline. Epoch 1: study baseline. Epoch 2: start of high dose."""

    number: int
    starts_on: date
    baseline: Baseline
    nadir: Mapping[str, Decimal]
    time_points: tuple[TimePoint, ...]

    @property
    def confirmed_status(self) -> Response:
        return self.time_points[-1].confirmed if self.time_points else Response.NE

    @property
    def first_pd_on(self) -> date | None:
        """Date of the first of the samples that make up the first confirmed progression."""
        return next((t.on for t in self.time_points if t.confirmed is Response.PD), None)

    @property
    def active_mm_on(self) -> date | None:
        return next((t.on for t in self.time_points if t.mde), None)

    @property
    def first_response_on(self) -> date | None:
        """Date of the first sample of the first confirmed response, PR or better."""
        return self.response_since(PARTIAL_OR_BETTER)

    @property
    def first_minimal_response_on(self) -> date | None:
        """The same of MR or better."""
        return self.response_since(RESPONDING)

    def response_since(self, floor: Sequence[Response]) -> date | None:
        """Date of the first sample whose confirmed status is one of `floor`."""
        return next((t.on for t in self.time_points if t.confirmed in floor), None)


@dataclass(frozen=True)
class ResponseHistory:
    """Everything derived about a subject's response. `combination` is the descriptive low-dose reading."""

    as_of: date | None
    criteria_version: CriteriaVersion
    epochs: tuple[EpochHistory, ...]
    combination: EpochHistory | None
    unconfirmed: tuple[str, ...]

    @property
    def time_points(self) -> tuple[TimePoint, ...]:
        return tuple(t for epoch in self.epochs for t in epoch.time_points)

    @property
    def current(self) -> EpochHistory | None:
        return self.epochs[-1] if self.epochs else None

    @property
    def baseline(self) -> Baseline | None:
        return self.current.baseline if self.current else None

    @property
    def baseline_ok(self) -> bool:
        """Whether there is anything that responses can be measured against."""
        return bool(self.baseline and self.baseline.measurable)

    @property
    def nadir(self) -> Mapping[str, Decimal]:
        return self.current.nadir if self.current else {}

    @property
    def confirmed_status(self) -> Response:
        """Status of the current epoch, or of the one before it until the current one has an evaluable sample."""
        judged = [e for e in self.epochs if any(t.evaluable for t in e.time_points)]
        return judged[-1].confirmed_status if judged else Response.NE

    @property
    def latest(self) -> TimePoint | None:
        return next((t for t in reversed(self.time_points) if t.assessed), None)

    @property
    def latest_evaluable(self) -> TimePoint | None:
        return next((t for t in reversed(self.time_points) if t.evaluable), None)

    @property
    def first_pd_on(self) -> date | None:
        """First confirmed progression of epoch 1, which times to progression rest on."""
        return next((on for e in self.epochs if (on := e.first_pd_on)), None)

    @property
    def active_mm_on(self) -> date | None:
        return min((t.on for t in self.time_points if t.mde), default=None)

    @property
    def flags(self) -> tuple[Flag, ...]:
        attributed = {event for t in self.time_points for event in t.mde}
        unattributed = {event for t in self.time_points for event in t.mde_candidates} - attributed
        raised = {Flag.ACTIVE_MM: bool(attributed), Flag.MDE_CANDIDATE_UNATTRIBUTED: bool(unattributed)}
        return tuple(flag for flag, is_raised in raised.items() if is_raised)

    def as_json(self) -> dict[str, Json]:
        """The whole history as plain JSON types, the same for the same inputs."""
        plain = to_json_object(self)
        summary: dict[str, Json] = {
            "confirmed_status": self.confirmed_status.value,
            "latest_timepoint": self.latest.timepoint.value if self.latest else None,
            "first_pd_on": to_json(self.first_pd_on),
            "active_mm_on": to_json(self.active_mm_on),
            "flags": to_json(self.flags),
        }
        return plain | summary


def assess(course: Course, trial: Protocol, as_of: date | None = None) -> ResponseHistory:
    """Responses of a subject from samples collected on or before `as_of` (all of them if None).

    For what was known by a date, pass `course.known_by(day)`.
    """
    known = course.current() if as_of is None else course.collected_by(as_of)
    unconfirmed = trial.response_version.unconfirmed
    if known.day1 is None:
        return ResponseHistory(as_of, trial.config.criteria_version, (), None, unconfirmed)
    samples = after_first_dose(known, trial)
    study = study_baseline(before_first_dose(known), known.day1, known.serum_measure, trial)
    high_dex = known.phase_start(Phase.HIGH_DEX)
    first, later = _split(samples, high_dex)
    epochs = [_epoch(1, known.day1, study, first, known, trial)]
    if high_dex is not None:
        reference = phase_baseline(first, study, trial.measurable)
        epochs.append(_epoch(2, high_dex, reference, later, known, trial))
    combination = _combination(first, study, known, trial)
    return ResponseHistory(as_of, trial.config.criteria_version, tuple(epochs), combination, unconfirmed)


def assess_against(course: Course, trial: Protocol, starts_on: date, as_of: date | None = None) -> EpochHistory | None:
    """The descriptive second reading: responses against the last values on or before a phase's start."""
    known = course.current() if as_of is None else course.collected_by(as_of)
    if known.day1 is None:
        return None
    study = study_baseline(before_first_dose(known), known.day1, known.serum_measure, trial)
    before, later = _split(after_first_dose(known, trial), starts_on)
    return _epoch(2, starts_on, phase_baseline(before, study, trial.measurable), later, known, trial)


def fingerprint(course: Course, trial: Protocol) -> str:
    """SHA-256 (hex) over everything that the rules read; the order of entry does not change it."""
    inputs = to_json_object(course.current())
    for name in ("measurements", "findings"):
        inputs[name] = [{**row, "entered_on": None} for row in cast("list[dict[str, Json]]", inputs[name])]
    ordered = {name: _sorted(value) for name, value in inputs.items()}
    rules = [trial.id, trial.version, to_json(trial.config), to_json(trial.response_version), to_json(trial.mde)]
    return sha256(json.dumps([ordered, rules], sort_keys=True).encode()).hexdigest()


def _sorted(value: Json) -> Json:
    return sorted(value, key=json.dumps) if isinstance(value, list) else value


def _split(samples: tuple[Sample, ...], starts_on: date | None) -> tuple[tuple[Sample, ...], tuple[Sample, ...]]:
    """Samples up to a phase's first day (pre-dose) and those after it."""
    if starts_on is None:
        return samples, ()
    return tuple(s for s in samples if s.on <= starts_on), tuple(s for s in samples if s.on > starts_on)


def _combination(first: tuple[Sample, ...], study: Baseline, course: Course, trial: Protocol) -> EpochHistory | None:
    starts_on = course.phase_start(Phase.LOW_DEX_7_12)
    if starts_on is None:
        return None
    before, later = _split(first, starts_on)
    return _epoch(2, starts_on, phase_baseline(before, study, trial.measurable), later, course, trial)


def _epoch(
    number: int,
    starts_on: date,
    baseline: Baseline,
    samples: tuple[Sample, ...],
    course: Course,
    trial: Protocol,
) -> EpochHistory:
    views = [View(sample, samples[:i], baseline, course, trial) for i, sample in enumerate(samples)]
    points = [_time_point(view, number) for view in views]
    status = confirm(
        _reported(points, course),
        course.new_therapy_on,
        max(trial.config.confirmation_min_days, trial.response_version.confirmation_min_days),
        skip_ne=trial.config.confirmation_skip_ne,
    )
    confirmed = tuple(replace(point, confirmed=now) for point, now in zip(points, status, strict=True))
    return EpochHistory(number, starts_on, baseline, _nadirs(samples, baseline, trial), confirmed)


def _nadirs(samples: tuple[Sample, ...], baseline: Baseline, trial: Protocol) -> Mapping[str, Decimal]:
    lows = {q.name: nadir(q, samples, baseline, trial.config.nadir_mode) for q in QUANTITIES}
    return {name: low.value for name, low in lows.items() if low is not None}


def _reported(points: Sequence[TimePoint], course: Course) -> list[Reported]:
    last = next((p.on for p in reversed(points) if p.evaluable), None)
    died = course.death_on is not None and course.death_due_to_myeloma
    return [
        Reported(p.on, p.timepoint, bool(set(p.pd_reasons) & set(STANDALONE_PD)), died and p.on == last) for p in points
    ]


def _time_point(view: View, epoch: int) -> TimePoint:
    progression = progression_tests(view)
    met = [p for p in progression if p.met]
    best = best_response(view)
    events = event_tests(view)
    response = Response.PD if met else best.response
    return TimePoint(
        on=view.sample.on,
        label=view.sample.label,
        epoch=epoch,
        timepoint=response,
        confirmed=Response.NE,
        tests=(*(p.test for p in progression), *best.tests, *(e.test for e in events)),
        missing_critical=() if met else best.missing,
        pd_reasons=_reasons(met),
        mde=counted(view, events),
        mde_candidates=candidates(view, events),
        sources=view.sample.sources,
        assessed=view.sample.assessed,
        method_changed=bool(met) and all(p.method_changed for p in met),
        notes=view.sample.notes,
    )


def _reasons(met: Sequence[PdTest]) -> tuple[PdReason, ...]:
    return tuple(reason for reason in PdReason if any(p.reason is reason for p in met))
