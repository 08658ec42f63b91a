"""Visits as planned and as they happened: one line per slot, with the state of its forms."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from labs.models import SPECIMEN_STANDS, DiseaseAssessment, LabResult
from labs.selectors.bedside import bedside_state
from protocol.measurements import PhaseInterval
from protocol.schema import Panel, Protocol, ScheduleItem
from protocol.spans import plan_phases
from protocol.versions import VERSIONS, slot_label
from protocol.visits import Anchors, PlannedVisit, due_state, schedule
from protocol.vocabulary import (
    TERMINAL_PHASES,
    TREATMENT_PHASES,
    Analyte,
    DueState,
    MissingReason,
    Necessity,
    PanelCode,
    Phase,
)
from trialsite.models import StatePeriod, Subject, Visit
from trialsite.selectors import protocol_of, state_periods, visits

_CODES = frozenset(slot.code for version in VERSIONS.values() for slot in version.schedule)
_NUMBERED = re.compile(r"uns[1-9]\d?|fu(06|12|18|24|30|36|42|48|54|60)")
#: Results that another form asks for: immunofixation and marrow (disease assessment), ECOG (visit).
ELSEWHERE = frozenset(
    {
        Analyte.SERUM_IFE,
        Analyte.URINE_IFE,
        Analyte.BM_PC,
        Analyte.BM_CLONAL,
        Analyte.CIRCULATING_PC,
        Analyte.ECOG,
    }
)
#: Results that are due only where their own item of the schedule is.
OWN_ITEM = {Analyte.B2M: "prognostic", Analyte.LDH: "prognostic"}
#: Results that the grid has a row for, and that a form is complete without: laboratories differ in sending them.
OPTIONAL = frozenset({Analyte.SPEP_TEXT})
#: Results that are taken where a laboratory reports them, and that nobody waits for.
UNASKED = frozenset(
    {
        Analyte.TOTAL_PROTEIN,
        Analyte.HCT,
        Analyte.CRCL,
        Analyte.CALCIUM_IONIZED,
        Analyte.GLUCOSE_FASTING,
        Analyte.URATE,
        Analyte.BUN,
        Analyte.PHOSPHATE,
        Analyte.URINE_M_SHARE,
        Analyte.URINE_M_CONC,
    }
)
#: What a sample between visits is usually drawn for: to confirm a response or a progression.
UNSCHEDULED_PANELS = (
    PanelCode.MYELOMA,
    PanelCode.URINE,
    PanelCode.INFLAMMATION,
    PanelCode.HAEMATOLOGY,
    PanelCode.CHEMISTRY,
)
DISEASE_ITEMS = frozenset({"serum_ife", "marrow", "imaging"})


@dataclass(frozen=True)
class DuePanel:
    """One panel of a visit's grid, with the analytes that the grid asks for."""

    panel: PanelCode
    label: str
    analytes: tuple[Analyte, ...]
    required: bool

    @property
    def awaited(self) -> frozenset[Analyte]:
        """What has to be in before a required panel is complete."""
        return frozenset(self.analytes) - OPTIONAL


@dataclass(frozen=True)
class FormState:
    """One form of a visit: how many of its answers are in, and the state that its shape shows."""

    name: str
    label: str
    state: str
    words: str
    queries: int = 0


@dataclass(frozen=True)
class VisitLine:
    """One visit of the schedule. `planned` is None for an unscheduled one, `visit` until something is entered."""

    code: str
    label: str
    planned: PlannedVisit | None
    visit: Visit | None
    state: DueState
    forms: tuple[FormState, ...]

    @property
    def shape(self) -> tuple[str, str]:
        """State and words of the whole visit: it took place, but is complete only when its forms are."""
        if self.state is DueState.DONE and any(form.state in {"due", "draft"} for form in self.forms):
            return "draft", "Incomplete"
        return self.state.value, ""


def visit_label(code: str) -> str:
    """Month 6, Follow-up month 12, Unscheduled visit 1: the words for a visit code."""
    if code.startswith("uns"):
        return f"Unscheduled visit {code[3:]}"
    if code.startswith("fu"):
        return f"Follow-up month {int(code[2:])}"
    return slot_label(code)


def is_visit_code(code: str) -> bool:
    """True for a slot of the protocol or an unscheduled visit."""
    return code in _CODES or bool(_NUMBERED.fullmatch(code))


def anchors_of(subject: Subject, periods: list[StatePeriod]) -> Anchors:
    """The dates that the subject's visits hang on. The end of treatment is the planned one until it has come."""
    return Anchors(
        registered_on=subject.registered_on,
        day1=subject.day1_on,
        planned_end_on=_planned_end(subject, periods),
        ended_treatment_on=subject.treatment_ended_on,
    )


def _planned_end(subject: Subject, periods: list[StatePeriod]) -> date | None:
    if subject.day1_on is None or subject.treatment_ended_on is not None:
        return None
    treatment = [
        PhaseInterval(Phase(one.state), one.starts_on, one.ends_on)
        for one in periods
        if Phase(one.state) in TREATMENT_PHASES
    ]
    planned = plan_phases(treatment, subject.day1_on, protocol_of(subject))
    return max((one.ends_on for one in planned if one.ends_on is not None), default=None)


def planned_visits(subject: Subject) -> tuple[PlannedVisit, ...]:
    """Every visit that the subject's dates allow, in order; one query."""
    return schedule(anchors_of(subject, state_periods(subject)), protocol_of(subject))


def stopped_on(periods: list[StatePeriod]) -> date | None:
    """The day from which nothing more is expected of the subject."""
    return next((one.starts_on for one in periods if Phase(one.state) in TERMINAL_PHASES), None)


def items_of(code: str, trial: Protocol) -> tuple[ScheduleItem, ...]:
    """Items of the schedule of events that a slot asks for."""
    column = _column(code, trial)
    return tuple(item for item in trial.items if column in item.cells)


def _column(code: str, trial: Protocol) -> str:
    return "FU" if code.startswith("fu") else next((one.column for one in trial.schedule if one.code == code), "")


def due_panels(
    code: str, subject: Subject, extra: Iterable[PanelCode] = (), known: Collection[Analyte] = ()
) -> tuple[DuePanel, ...]:
    """The panels of a visit's grid in the order of the protocol.

    extra: panels that are asked for besides, with every analyte. known: analytes with a result, always shown.
    """
    besides, trial = frozenset(extra), protocol_of(subject)
    items = items_of(code, trial)
    due: dict[PanelCode, bool] = {}
    for item in items:
        if item.panel is not None:
            # One panel may serve several items; it is required as soon as one of them is.
            due[item.panel] = due.get(item.panel, False) or _is_required(item, code, trial)
    for panel in (*besides, *(UNSCHEDULED_PANELS if code.startswith("uns") else ())):
        due.setdefault(panel, False)
    own = {item.code for item in items}
    grid = (
        DuePanel(panel.code, panel.label, _asked(panel, own, known, besides), due[panel.code])
        for panel in trial.panels.values()
        if panel.code in due and not (panel.code is PanelCode.PREGNANCY and subject.sex == "M")
    )
    return tuple(one for one in grid if one.analytes)


def _is_required(item: ScheduleItem, code: str, trial: Protocol) -> bool:
    return item.cells[_column(code, trial)] is Necessity.REQUIRED


def _asked(
    panel: Panel, items: set[str], known: Collection[Analyte], besides: frozenset[PanelCode]
) -> tuple[Analyte, ...]:
    def is_due(one: Analyte) -> bool:
        item_is_due = one not in OWN_ITEM or OWN_ITEM[one] in items
        return one in known or panel.code in besides or (item_is_due and one not in UNASKED)

    return tuple(one for one in panel.analytes if one not in ELSEWHERE and is_due(one))


def asks_for_disease(code: str, trial: Protocol) -> bool:
    """True if the slot asks for immunofixation, marrow or imaging; an unscheduled visit always may."""
    return code.startswith("uns") or any(item.code in DISEASE_ITEMS for item in items_of(code, trial))


def requires_disease(code: str, trial: Protocol) -> bool:
    """True if the slot must have the disease assessment, not only where a condition of the schedule holds."""
    return any(item.code in DISEASE_ITEMS and _is_required(item, code, trial) for item in items_of(code, trial))


def asks_for_events(code: str, trial: Protocol) -> bool:
    """True if adverse events and medication are asked for at that slot; at an unscheduled visit they always are."""
    return code.startswith("uns") or any(item.code == "safety" for item in items_of(code, trial))


def requires_bedside(code: str, trial: Protocol) -> bool:
    """True if the slot must have vital signs and ECOG."""
    return any(item.code == "visit" and _is_required(item, code, trial) for item in items_of(code, trial))


def visit_lines(subject: Subject, today: date) -> tuple[VisitLine, ...]:
    """The whole schedule with what happened, unscheduled visits in their place by date; six queries."""
    periods, trial = state_periods(subject), protocol_of(subject)
    planned = {one.code: one for one in schedule(anchors_of(subject, periods), trial)}
    known = visits(subject)
    forms = _forms(subject, known)
    stopped = stopped_on(periods)
    lines = [
        VisitLine(
            code=code,
            label=visit_label(code),
            planned=planned.get(code),
            visit=known.get(code),
            state=_state(planned.get(code), known.get(code), today, stopped),
            forms=forms.get(code) or _empty_forms(code, trial),
        )
        for code in {**_awaited(subject), **planned, **known}
    ]
    places = {slot.code: place for place, slot in enumerate(trial.schedule)}
    return tuple(sorted(lines, key=lambda line: _order(line, places)))


def _order(line: VisitLine, places: Mapping[str, int]) -> tuple[date, int]:
    """By target date, an unscheduled visit by its own; of one day in the order of the protocol."""
    place = places.get(line.code, len(places))
    if line.code == "scr":
        return date.min, place
    if line.planned is not None:
        return line.planned.target_on, place
    return (line.visit.occurred_on if line.visit and line.visit.occurred_on else date.max), place


def _awaited(subject: Subject) -> dict[str, None]:
    """Visits without a target yet: screening from the start, Day 1 from registration on."""
    codes = ("scr", "bl") if subject.registered_on and subject.day1_on is None else ("scr",)
    return dict.fromkeys(codes)


def _state(planned: PlannedVisit | None, visit: Visit | None, today: date, stopped: date | None) -> DueState:
    if visit is not None and visit.status == Visit.Status.NOT_DONE:
        return DueState.NOT_DONE
    if visit is not None:
        return DueState.DONE
    if planned is None:
        return DueState.DUE if stopped is None else DueState.NOT_EXPECTED
    return due_state(planned, today, stopped_on=stopped)


def _forms(subject: Subject, known: Mapping[str, Visit]) -> dict[str, tuple[FormState, ...]]:
    entered: dict[str, set[Analyte]] = defaultdict(set)
    pending: dict[str, int] = defaultdict(int)
    rows = LabResult.objects.filter(SPECIMEN_STANDS, subject=subject, superseded_at=None)
    for code, analyte, missing in rows.values_list("specimen__visit__code", "analyte", "missing"):
        entered[code].add(Analyte(analyte))
        pending[code] += missing == MissingReason.PEND
    assessed = set(
        DiseaseAssessment.objects.filter(subject=subject, superseded_at=None).values_list("visit__code", flat=True)
    )
    return {
        code: _visit_forms(subject, code, visit, entered[code], pending[code], assessed=code in assessed)
        for code, visit in known.items()
    }


def _visit_forms(
    subject: Subject, code: str, visit: Visit, entered: set[Analyte], pending: int, *, assessed: bool
) -> tuple[FormState, ...]:
    if visit.status == Visit.Status.NOT_DONE:
        return ()
    trial = protocol_of(subject)
    bedside = bedside_state(visit, is_required=requires_bedside(code, trial))
    forms = [
        FormState("bedside", "Vital signs and ECOG", *bedside),
        _lab_form(subject, code, entered, pending),
    ]
    if asks_for_disease(code, trial) or assessed:
        forms.append(_disease_form(code, trial, assessed=assessed))
    return tuple(forms)


def _disease_form(code: str, trial: Protocol, *, assessed: bool) -> FormState:
    state, words = ("due", "Not entered") if requires_disease(code, trial) else ("planned", "Only if needed")
    if assessed:
        state, words = "done", "Complete"
    return FormState("disease", "Disease assessment", state, words)


def _lab_form(subject: Subject, code: str, entered: set[Analyte], pending: int) -> FormState:
    asked = {analyte for panel in due_panels(code, subject) if panel.required for analyte in panel.awaited}
    done = len(asked & entered)
    if asked <= entered and not pending and entered:
        return FormState("labs", "Laboratory results", "done", f"Complete, {len(entered)} results")
    if not entered:
        return FormState("labs", "Laboratory results", "due", "Not entered")
    waits = f", {pending} pending" if pending else ""
    if code.startswith("uns"):
        return FormState("labs", "Laboratory results", "done", f"{len(entered)} results{waits}")
    return FormState("labs", "Laboratory results", "draft", f"{done} of {len(asked)} entered{waits}")


def _empty_forms(code: str, trial: Protocol) -> tuple[FormState, ...]:
    labs = FormState("labs", "Laboratory results", "planned", "Not entered")
    disease = FormState("disease", "Disease assessment", "planned", "Not entered")
    return (labs, disease) if asks_for_disease(code, trial) else (labs,)
