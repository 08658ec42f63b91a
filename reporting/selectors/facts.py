"""What is known about many subjects, loaded together: the number of queries does not depend on how many there are.

`facts_of(subjects, now)` gives one `SubjectFacts` each; the next step, the matrix and the work list read nothing else.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from itertools import repeat
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.fields.json import KT

from dosing.models import AssignmentDiscrepancy, DoseModification, DoseRecord, PhaseDecision, PhaseProposal
from dosing.selectors import broken_decisions, open_discrepancies
from dosing.selectors.standing import responses_to_sign_again
from enrollment.models import EligibilitySnapshot, ScreenFailure, ScreeningAnswer, Waiver
from enrollment.selectors import waiting_waivers
from followup.milestones import Mark, casebook_marks, due_for, milestones_reached
from followup.models import FollowUpContact
from labs.models import SPECIMEN_STANDS, DiseaseAssessment, LabResult, ResponseAssessment
from labs.selectors import latest_responses
from labs.selectors.visits import anchors_of, stopped_on
from protocol.measurements import PhaseInterval
from protocol.visits import PlannedVisit, due_state, schedule
from protocol.vocabulary import TERMINAL_PHASES, TREATMENT_PHASES, Analyte, Drug, DueState, MissingReason, Phase
from reporting.selectors.sent import STANDING_OF_SENT
from safety.models import AdverseEvent, SafetyReport
from safety.selectors import causes_signed
from trialsite.lock_selectors import closed_places
from trialsite.models import ConsentGap, Query, SignatureEvent, StatePeriod, Subject, SubjectRecord, Visit
from trialsite.selectors import protocol_of

Row = TypeVar("Row", bound=SubjectRecord)
DoseKey = tuple[date, Drug]


@dataclass(frozen=True)
class Entered:
    """What stands entered for one visit: analytes with an answer, and how many are still pending."""

    analytes: frozenset[Analyte] = frozenset()
    pending: int = 0


NOTHING_ENTERED = Entered()


@dataclass(frozen=True)
class SubjectFacts:
    """Everything the next step of one subject rests on. `today` is the site's date.

    `events`: adverse events that stand. `causes_signed`: event -> whether its causes are signed, where somebody did.
    """

    subject: Subject
    now: datetime
    today: date
    periods: tuple[StatePeriod, ...]
    visits: Mapping[str, Visit]
    entered: Mapping[str, Entered]
    assessed: frozenset[str]
    gaps: tuple[ConsentGap, ...]
    open_queries: tuple[Query, ...]
    answered_queries: tuple[Query, ...]
    proposal: PhaseProposal | None
    decided_at_visit: str
    discrepancy: AssignmentDiscrepancy | None
    decisions: tuple[PhaseDecision, ...]
    broken: tuple[PhaseDecision, ...]
    responses_unsigned: tuple[str, ...]
    snapshot: EligibilitySnapshot | None
    snapshot_is_intact: bool
    #: What was sent has a criterion that is not met and not waived; and whether evidence or a waiver came since.
    is_unmet: bool
    has_news: bool
    answers: int
    failure: ScreenFailure | None
    waivers: tuple[Waiver, ...]
    doses: frozenset[DoseKey]
    contacts: Mapping[str, FollowUpContact]
    attempts: Mapping[str, int]
    response: ResponseAssessment | None
    events: tuple[AdverseEvent, ...]
    reports: tuple[SafetyReport, ...]
    causes_signed: Mapping[int, bool]
    orders: tuple[DoseModification, ...]
    casebook: Mark | None
    #: Parts of the record that are frozen or locked: visit, enrolment, course ... -> which of the two.
    closed: Mapping[str, str]

    @property
    def phase(self) -> Phase:
        return Phase(self.subject.state)

    @property
    def is_over(self) -> bool:
        return self.phase in TERMINAL_PHASES or self.subject.entered_in_error_at is not None

    @cached_property
    def planned(self) -> Mapping[str, PlannedVisit]:
        """Planned visits by code, in order of date."""
        return {
            one.code: one for one in schedule(anchors_of(self.subject, list(self.periods)), protocol_of(self.subject))
        }

    @cached_property
    def stopped_on(self) -> date | None:
        return stopped_on(list(self.periods))

    @cached_property
    def spans(self) -> tuple[PhaseInterval, ...]:
        """Treatment phases as lived, ending with the last dose."""
        lived = [one for one in self.periods if Phase(one.state) in TREATMENT_PHASES]
        end = self.subject.treatment_ended_on or self.subject.died_on
        return tuple(
            PhaseInterval(Phase(one.state), one.starts_on, min(filter(None, (one.ends_on, end)), default=None))
            for one in lived
            if end is None or one.starts_on <= end
        )

    @cached_property
    def casebook_due(self) -> tuple[str, ...]:
        """Milestones for which the casebook waits to be signed."""
        return due_for(milestones_reached(self.subject, self.visits), self.casebook)

    def since(self) -> date:
        """When the present state began."""
        return self.periods[-1].starts_on if self.periods else self.subject.screened_on

    def state_of(self, visit: PlannedVisit) -> DueState:
        """Where a planned visit stands today; `protocol.visits.due_state` is the one definition."""
        entered, contact = self.visits.get(visit.code), self.contacts.get(visit.code)
        if entered is not None and entered.status == Visit.Status.NOT_DONE:
            return due_state(visit, self.today, not_done_on=entered.recorded_at.date())
        done_on = entered.occurred_on if entered else contact.contacted_on if contact else None
        return due_state(visit, self.today, done_on=done_on, stopped_on=self.stopped_on)


def facts_of(subjects: Iterable[Subject], now: datetime) -> dict[int, SubjectFacts]:
    """Facts by subject. The subjects come with their site (`select_related("site")`)."""
    wanted = list(subjects)
    shelf = _Shelf([subject.pk for subject in wanted], now)
    return {subject.pk: shelf.facts(subject, now) for subject in wanted}


def site_day(subject: Subject, now: datetime) -> date:
    return now.astimezone(ZoneInfo(subject.site.time_zone)).date()


class _Shelf:
    """One query per kind of record; each result laid out by subject."""

    def __init__(self, ids: Sequence[int], now: datetime) -> None:
        mine = Q(subject_id__in=ids)
        standing = mine & Q(superseded_at=None)
        self.periods = _grouped(StatePeriod.objects.filter(mine).order_by("id"))
        self.visits = _grouped(Visit.objects.filter(mine).exclude(status=Visit.Status.IN_ERROR))
        self.entered = _entered(standing)
        self.assessed = _assessed(standing)
        self.gaps = _grouped(ConsentGap.objects.filter(mine, ends_on=None).order_by("starts_on", "id"))
        self.queries = _grouped(Query.objects.filter(mine).exclude(state=Query.State.CLOSED).order_by("opened_at"))
        pending = PhaseProposal.objects.filter(mine, status=PhaseProposal.Status.PENDING)
        self.proposals = _single(pending.annotate(visit_code=KT("detail__code")).defer("detail"))
        self.discrepancies = _single(open_discrepancies(ids).defer("decision__snapshot"))
        signed = PhaseDecision.objects.filter(mine).select_related("proposal").order_by("id")
        self.decisions = _grouped(signed.defer("snapshot", "proposal__detail"))
        self.broken = _grouped(broken_decisions(ids).order_by("id").defer("snapshot"))
        self.responses_unsigned = responses_to_sign_again(ids)
        ended = SignatureEvent.objects.filter(signature=OuterRef("signature"))
        sent = EligibilitySnapshot.objects.filter(mine).order_by("id")
        self.snapshots = _single(sent.annotate(is_broken=Exists(ended), **STANDING_OF_SENT).defer("judgements"))
        answers = ScreeningAnswer.objects.filter(mine, superseded_at=None).values("subject_id")
        self.answers = _counted(answers.annotate(n=Count("id")))
        self.failures = _single(ScreenFailure.objects.filter(mine))
        self.waivers = _grouped(waiting_waivers(ids, now))
        self.doses = _doses(standing)
        self.contacts = _grouped(FollowUpContact.objects.filter(mine, in_error_at=None))
        self.responses = latest_responses(ids)
        self.events = _grouped(AdverseEvent.objects.filter(mine, in_error=False))
        self.reports = _grouped(SafetyReport.objects.filter(mine).select_related("event", "follows__event"))
        self.causes_signed = causes_signed(ids)
        self.orders = _grouped(DoseModification.objects.filter(mine, in_error_at=None))
        self.casebooks = casebook_marks(ids)
        self.closed = closed_places(ids)

    def facts(self, subject: Subject, now: datetime) -> SubjectFacts:
        key, snapshot = subject.pk, self.snapshots.get(subject.pk)
        proposal = self.proposals.get(key)
        contacts, queries = self.contacts[key], self.queries[key]
        return SubjectFacts(
            subject=subject,
            now=now,
            today=site_day(subject, now),
            periods=tuple(self.periods[key]),
            visits={one.code: one for one in self.visits[key]},
            entered=self.entered[key],
            assessed=frozenset(self.assessed[key]),
            gaps=tuple(self.gaps[key]),
            open_queries=tuple(one for one in queries if one.state == Query.State.OPEN),
            answered_queries=tuple(one for one in queries if one.state == Query.State.ANSWERED),
            proposal=proposal,
            decided_at_visit=getattr(proposal, "visit_code", "") or "",
            discrepancy=self.discrepancies.get(key),
            decisions=tuple(self.decisions[key]),
            broken=tuple(self.broken[key]),
            responses_unsigned=tuple(self.responses_unsigned.get(key, ())),
            snapshot=snapshot,
            snapshot_is_intact=bool(snapshot and snapshot.signature_id and not getattr(snapshot, "is_broken", True)),
            is_unmet=getattr(snapshot, "is_unmet", False),
            has_news=getattr(snapshot, "has_news", False),
            answers=self.answers.get(key, 0),
            failure=self.failures.get(key),
            waivers=tuple(self.waivers[key]),
            doses=frozenset(self.doses[key]),
            contacts={one.visit_code: one for one in contacts if one.outcome == FollowUpContact.Outcome.REACHED},
            attempts=_tally(one.visit_code for one in contacts),
            response=self.responses.get(key),
            events=tuple(self.events[key]),
            reports=tuple(self.reports[key]),
            causes_signed=self.causes_signed,
            orders=tuple(self.orders[key]),
            casebook=self.casebooks.get(key),
            closed=self.closed.get(key, {}),
        )


def _grouped(rows: Iterable[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for row in rows:
        found[row.subject_id].append(row)
    return found


def _single(rows: Iterable[Row]) -> dict[int, Row]:
    """The last row of each subject."""
    return {row.subject_id: row for row in rows}


def _counted(rows: Iterable[Mapping[str, int]]) -> dict[int, int]:
    return {row["subject_id"]: row["n"] for row in rows}


def _tally(codes: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for code in codes:
        found[code] += 1
    return found


def _entered(standing: Q) -> dict[int, dict[str, Entered]]:
    """Analytes entered by subject and visit, put together by the database."""
    found: dict[int, dict[str, Entered]] = defaultdict(dict)
    rows = (
        LabResult.objects.filter(standing, SPECIMEN_STANDS)
        .order_by()
        .values_list("subject_id", "specimen__visit__code")
        .annotate(analytes=ArrayAgg("analyte"), pending=Count("id", filter=Q(missing=MissingReason.PEND.value)))
    )
    for subject_id, code, analytes, pending in rows:
        found[subject_id][code] = Entered(frozenset(map(Analyte, analytes)), pending)
    return found


def _assessed(standing: Q) -> dict[int, set[str]]:
    """Visits with a standing disease assessment."""
    rows = DiseaseAssessment.objects.filter(standing, in_error=False).values_list("subject_id", "visit__code")
    return _collected(rows, str)


def _doses(standing: Q) -> dict[int, set[DoseKey]]:
    """Days with a record, by drug."""
    rows = DoseRecord.objects.filter(standing).order_by().values_list("subject_id", "drug")
    found: dict[int, set[DoseKey]] = defaultdict(set)
    for subject_id, drug, days in rows.annotate(days=ArrayAgg("on")):
        found[subject_id].update(zip(days, repeat(Drug(drug))))
    return found


Value = TypeVar("Value")


def _collected(rows: Iterable[tuple[int, object]], read: Callable[[object], Value]) -> dict[int, set[Value]]:
    found: dict[int, set[Value]] = defaultdict(set)
    for subject_id, value in rows:
        found[subject_id].add(read(value))
    return found
