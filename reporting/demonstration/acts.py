"""What people of the demonstration do with one subject; each act is one call of a service."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from dosing import selectors as dosing
from dosing.models import PhaseProposal
from dosing.services import Verdict, record_doses, sign_phase_decision, start_treatment
from dosing.services.decisions import offered_phase
from dosing.services.modifications import Order, modify_dose
from dosing.services.supplies import Movement, dispense_drug, take_back_drug
from dosing.vocabulary import ACTIONABLE
from labs.entries import Collection, Entry, PanelEntry
from labs.models import LabResult
from labs.services import Assessed, VisitFacts, record_disease_assessment, record_panel, record_visit
from protocol.safety_clocks import ClockName
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, DoseAction, DoseStatus, Drug, PanelCode, Phase, ProposalKind, Route
from reporting.demonstration.chronicle import moment
from reporting.demonstration.lives import Life
from reporting.demonstration.stage import Stage, stock
from reporting.demonstration.troubles import Trouble, typed_dates
from reporting.demonstration.values import (
    IMPLAUSIBLE,
    INVENTED,
    NOT_PUBLISHED,
    SYNTHETIC,
    Draw,
    marrow_percent,
    panel,
    qualifies_by_marrow,
)
from reporting.progress import required_analytes
from safety.models import AdverseEvent, SafetyReport
from safety.selectors import dexamethasone_was_given, suggestions
from safety.services import (
    Event,
    Medication,
    Told,
    judge_not_significant,
    record_medication,
    record_report_sent,
    report_adverse_event,
    sign_causality,
)
from safety.vocabulary import ActionTaken, Attribution, Outcome
from trialsite.access import Actor
from trialsite.context import reading
from trialsite.models import Query, Role, Subject
from trialsite.partial_dates import on_day, parse
from trialsite.services.queries import answer
from trialsite.services.subjects import next_unscheduled_code, record_visit_not_done

#: Kinds of proposals that a person acts on; the others wait for data.
TO_DECIDE = frozenset(ACTIONABLE) | {ProposalKind.END_OF_PROTOCOL_THERAPY_DECISION, ProposalKind.OFF_TREATMENT_PD}
PANEL_OF: dict[Analyte, PanelCode] = {
    analyte: code for code, declared in TRIAL.panels.items() for analyte in declared.analytes
}


#: What is handed out for three months.
SYRINGES = 96


@dataclass
class Someone:
    """One subject with the people of its site."""

    stage: Stage
    life: Life
    number: int
    subject_id: int = 0

    @property
    def coordinator(self) -> Actor:
        return self.stage.who(Role.COORDINATOR, self.life.site)

    @property
    def investigator(self) -> Actor:
        return self.stage.who(Role.INVESTIGATOR, self.life.site)

    @property
    def site_id(self) -> int:
        return self.stage.sites[self.life.site].pk

    @property
    def sex(self) -> str:
        return "F" if self.number % 2 else "M"

    def subject(self) -> Subject:
        return Subject.objects.select_related("site").get(pk=self.subject_id)


def enter_labs(
    one: Someone, *, code: str, month: int, collected_on: date, on: date, why: str = "", asked_about: bool = False
) -> None:
    """A visit's laboratory grid as the laboratories report it; `asked_about`: with a value that nobody has."""
    asked = required_analytes(code, one.sex, TRIAL.version)
    typed = panel(Draw(one.life, one.number, month), asked) | (IMPLAUSIBLE if asked_about else {})
    enter_results(one, code=code, typed=typed, collected_on=collected_on, on=on, why=why)


def enter_results(
    one: Someone, *, code: str, typed: dict[Analyte, str], collected_on: date, on: date, why: str = "", reason: str = ""
) -> None:
    """These results as one save. `why`: of an unscheduled visit. `reason`: of a correction."""
    by_panel: dict[PanelCode, dict[Analyte, Entry]] = {}
    for analyte, value in typed.items():
        is_so = IMPLAUSIBLE.get(analyte) != value
        by_panel.setdefault(PANEL_OF[analyte], {})[analyte] = Entry(
            value, unit=TRIAL.analytes[analyte].unit, confirmed=is_so
        )
    record_panel(
        by=one.coordinator,
        at=moment(on),
        subject_id=one.subject_id,
        site_id=one.site_id,
        visit_code=code,
        panels=[
            PanelEntry(panel_code, _collection(one, collected_on, entries), entries)
            for panel_code, entries in by_panel.items()
        ],
        reason=reason,
        visit_reason=why,
    )


def _collection(one: Someone, on: date, entries: dict[Analyte, Entry]) -> Collection:
    """How a panel was drawn; where the abstract's patients have an invented value on it, that is its method."""
    invented = one.life.published and any(entries[each].typed != NOT_PUBLISHED for each in INVENTED & entries.keys())
    return Collection(on, laboratory_id=one.stage.laboratories[one.life.site], method=SYNTHETIC if invented else "")


def enter_visit(one: Someone, *, code: str, occurred_on: date, on: date) -> None:
    """The visit's own facts, with vital signs that vary a little; of the abstract's patients none are known."""
    sway = (one.number * 5 + occurred_on.day) % 9
    if one.life.published:
        facts = VisitFacts(occurred_on=occurred_on, bedside_not_done="Not published")
    else:
        facts = VisitFacts(
            occurred_on=occurred_on, ecog=0, weight_kg=Decimal(62 + one.number * 7 % 29),
            temperature_c=Decimal(364 + sway) / 10, pulse=62 + sway * 2, systolic=108 + sway, diastolic=66 + sway,
        )  # fmt: skip
    record_visit(
        by=one.coordinator, at=moment(on), subject_id=one.subject_id, site_id=one.site_id, code=code, facts=facts
    )


def report_trouble(one: Someone, *, trouble: Trouble, visit_on: date, on: date) -> None:
    """An adverse event as the subject tells of it at a visit."""
    with reading(one.coordinator, moment(on)):
        with_dexamethasone = dexamethasone_was_given(one.subject())
    if trouble.by == "dexamethasone" and not with_dexamethasone:
        return
    started, stopped = typed_dates(trouble, visit_on)
    given = {"anakinra": True, "dexamethasone": with_dexamethasone}
    causes = {
        drug: Attribution.PROBABLE if drug == trouble.by else Attribution.UNLIKELY if was else Attribution.NOT_GIVEN
        for drug, was in given.items()
    }
    actions = {
        drug: ActionTaken(trouble.action) if drug == trouble.by else ActionTaken.NONE if was else ActionTaken.NOT_GIVEN
        for drug, was in given.items()
    }
    event = report_adverse_event(
        by=one.coordinator, at=moment(on), token=uuid5(NAMESPACE_OID, f"{one.subject_id} {trouble.term} {on}"),
        subject_id=one.subject_id, site_id=one.site_id,
        event=Event(
            term=trouble.term, grade=trouble.grade, reported_as=trouble.reported_as, serious=trouble.serious,
            started=parse(started, on), stopped=parse(stopped, on) if stopped else None,
            outcome=Outcome.RECOVERED if stopped else Outcome.NOT_RECOVERED,
            attribution_anakinra=causes["anakinra"], attribution_dexamethasone=causes["dexamethasone"],
            action_anakinra=actions["anakinra"], action_dexamethasone=actions["dexamethasone"],
        ),
    )  # fmt: skip
    if event.is_serious:
        tell_of_serious_event(one, event=event, on=on)
    if trouble.treated_with and trouble.lasted is not None:
        began = visit_on - timedelta(days=trouble.began)
        until = began + timedelta(days=trouble.lasted - 3)
        medication = Medication(
            trouble.treated_with, trouble.term, on_day(began), on_day(until), route=Route.INTRAVENOUS
        )
        record_medication(
            by=one.coordinator, at=moment(on), token=uuid5(NAMESPACE_OID, f"{one.subject_id} {medication.name}"),
            subject_id=one.subject_id, site_id=one.site_id, medication=medication,
        )  # fmt: skip


def tell_of_serious_event(one: Someone, *, event: AdverseEvent, on: date, authority_too: bool = True) -> None:
    """The sponsor, and where it has to be the authority, hear of it the same day; the investigator signs the causes."""
    given: dict[str, Any] = {"at": moment(on), "subject_id": one.subject_id, "site_id": one.site_id}
    with reading(one.coordinator, moment(on)):
        number = SafetyReport.objects.get(event_id=event.pk).number
    told = record_report_sent(by=one.coordinator, **given, number=number, told=Told(ClockName.SPONSOR, moment(on)))
    if told.running() and authority_too:
        manager = one.stage.who(Role.DATA_MANAGER, "00")
        record_report_sent(by=manager, **given, number=number, told=Told(ClockName.AUTHORITY, moment(on)))
    sign_causality(
        by=one.investigator, **given, proof=one.stage.proof(one.investigator, moment(on)), number=event.number,
        version=event.version,
    )  # fmt: skip


def judge_grades(one: Someone, *, on: date) -> None:
    """The investigator looks at the laboratory grades and finds none of them significant."""
    with reading(one.investigator, moment(on)):
        waiting = suggestions(one.subject())
    for found in waiting:
        judge_not_significant(
            by=one.investigator, at=moment(on), subject_id=one.subject_id, site_id=one.site_id, term=found.worst.term,
            lab_result_ids=frozenset(graded.value.result.pk for graded in found.waiting),
        )  # fmt: skip


def state_not_done(one: Someone, *, code: str, on: date, reason: str) -> None:
    record_visit_not_done(
        by=one.coordinator, at=moment(on), subject_id=one.subject_id, site_id=one.site_id, code=code, reason=reason
    )


def assess_disease(one: Someone, *, code: str, month: int, assessed_on: date, on: date) -> None:
    """Immunofixation, marrow and imaging; nothing new in the bones.

    Of the abstract's patients none of it is known: only the marrow by which some qualify is made up, and marked.
    """
    draw = Draw(one.life, one.number, month)
    if one.life.published and not qualifies_by_marrow(draw):
        return
    marrow = Assessed(marrow_on=assessed_on, bm_pc=Decimal(marrow_percent(draw)), comment=SYNTHETIC)
    whole = Assessed(
        immunofixation_on=assessed_on,
        serum_ife="POSITIVE",
        marrow_on=assessed_on,
        bm_pc=marrow.bm_pc,
        bm_clonal="POSITIVE",
        imaging_on=assessed_on,
        imaging_method="Skeletal survey",
        bone_lesions="NONE",
        plasmacytoma="NONE",
    )
    record_disease_assessment(
        by=one.coordinator,
        at=moment(on),
        subject_id=one.subject_id,
        site_id=one.site_id,
        visit_code=code,
        assessed=marrow if one.life.published else whole,
    )


def give_first_dose(one: Someone, *, on: date) -> None:
    start_treatment(by=one.coordinator, at=moment(on), subject_id=one.subject_id, site_id=one.site_id, first_dose_on=on)


def hand_out(one: Someone, *, on: date, brought_back: int = 0) -> None:
    """Syringes for three months; what was not used of the last ones comes back."""
    site = one.life.site
    if site not in one.stage.lots:
        one.stage.lots[site] = stock(one.stage, site, on)
    who: dict[str, Any] = {
        "by": one.coordinator, "at": moment(on), "subject_id": one.subject_id, "site_id": one.site_id,
    }  # fmt: skip
    lot = one.stage.lots[site]
    token = f"{one.subject_id} {on}"
    if brought_back:
        back = uuid5(NAMESPACE_OID, f"back {token}")
        take_back_drug(**who, token=back, movement=Movement(lot, brought_back, on))
    dispense_drug(**who, token=uuid5(NAMESPACE_OID, f"out {token}"), movement=Movement(lot, SYRINGES, on))


def record_diary(one: Someone, *, first_on: date, last_on: date, on: date) -> None:
    """What the subject's diary says, drug by drug: all taken but a day missed now and then."""
    missed = first_on + timedelta(days=(one.number * 5 + first_on.day) % 40)
    if first_on <= missed <= last_on:
        _fill(one, Drug.ANAKINRA, missed, missed, DoseStatus.MISSED, on, "Forgot the injection")
    _fill(one, Drug.ANAKINRA, first_on, last_on, DoseStatus.TAKEN, on)
    with reading(one.coordinator, moment(on)):
        planned = dosing.planned_doses(one.subject(), last_on)
    if any(dose.drug is Drug.DEXAMETHASONE and first_on <= dose.on <= last_on for dose in planned):
        _fill(one, Drug.DEXAMETHASONE, first_on, last_on, DoseStatus.TAKEN, on)


def hold_doses(one: Someone, *, first_on: date, last_on: date, on: date, why: str) -> None:
    """The drug is held by order, and the diary says so day by day."""
    with reading(one.coordinator, moment(on)):
        events = AdverseEvent.objects.filter(subject_id=one.subject_id, action_anakinra=ActionTaken.HELD, stopped="")
        answered = events.filter(started_earliest__lte=first_on).values_list("number", flat=True).last()
    held = Order(Drug.ANAKINRA, DoseAction.HOLD, first_on, why, last_on, event=answered)
    modify_dose(
        by=one.coordinator, at=moment(on), token=uuid5(NAMESPACE_OID, f"hold {one.subject_id} {first_on}"),
        subject_id=one.subject_id, site_id=one.site_id, order=held,
    )  # fmt: skip
    _fill(one, Drug.ANAKINRA, first_on, last_on, DoseStatus.HELD, on, why)


def _fill(
    one: Someone, drug: Drug, first_on: date, last_on: date, status: DoseStatus, on: date, reason: str = ""
) -> None:
    record_doses(
        by=one.coordinator, at=moment(on), subject_id=one.subject_id, site_id=one.site_id, drug=drug,
        first_on=first_on, last_on=last_on, status=status, reason=reason,
    )  # fmt: skip


def proposed(one: Someone, on: date) -> tuple[int, ProposalKind, Phase | None, str] | None:
    """The pending proposal as the investigator would see it: id, kind, phase that agreeing starts, fingerprint."""
    with reading(one.investigator, moment(on)):
        waiting = PhaseProposal.objects.filter(subject_id=one.subject_id, status=PhaseProposal.Status.PENDING)
        pending = waiting.filter(kind__in=TO_DECIDE).defer("detail").first()
    if pending is None:
        return None
    kind, phase = ProposalKind(pending.kind), Phase(pending.to_phase) if pending.to_phase else None
    return pending.pk, kind, offered_phase(kind, phase), pending.fingerprint


def decide(one: Someone, *, on: date, proposal_id: int, phase: Phase, shown: str) -> None:
    """The investigator agrees and signs; the phase starts the same day."""
    sign_phase_decision(
        by=one.investigator,
        at=moment(on),
        proof=one.stage.proof(one.investigator, moment(on)),
        subject_id=one.subject_id,
        site_id=one.site_id,
        token=uuid5(NAMESPACE_OID, f"{one.subject_id}:{proposal_id}"),
        proposal_id=proposal_id,
        shown=shown,
        verdict=Verdict(to_phase=phase, starts_on=on),
    )


def unscheduled(one: Someone, on: date) -> str:
    """The code of the subject's next unscheduled visit."""
    with reading(one.coordinator, moment(on)):
        return next_unscheduled_code(one.subject())


def correct_results(one: Someone, *, code: str, typed: dict[Analyte, str], on: date, reason: str) -> None:
    """Type other values over results of a visit; everything else on the form stays as it is."""
    with reading(one.coordinator, moment(on)):
        standing = LabResult.objects.filter(
            subject_id=one.subject_id, specimen__visit__code=code, superseded_at=None
        ).values_list("analyte", "typed", "specimen__panel", "specimen__collected_on")
    panels = {PANEL_OF[analyte] for analyte in typed}
    with reading(one.coordinator, moment(on)):
        rows = [row for row in standing if row[2] in panels]
    values = {Analyte(analyte): value for analyte, value, _, _ in rows} | typed
    enter_results(one, code=code, typed=values, collected_on=rows[0][3], on=on, reason=reason)


def answer_queries(one: Someone, *, on: date) -> None:
    with reading(one.coordinator, moment(on)):
        waiting = list(
            Query.objects.filter(subject_id=one.subject_id, state=Query.State.OPEN).values_list("pk", flat=True)
        )
    for query_id in waiting:
        answer(
            by=one.coordinator, at=moment(on), query_id=query_id, site_id=one.site_id,
            text="Checked against the report: the sample was haemolysed.",
        )  # fmt: skip
