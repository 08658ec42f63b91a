"""Reads of this room. Row level security has already hidden other sites."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from dosing.selectors import pending_proposal, planned_doses, planned_visits
from followup.models import Departure, EndOfTreatment, FollowUpContact, Reminder
from protocol.doses import PlannedDose, UnconfirmedDose
from protocol.visits import PlannedVisit, due_state, follow_up_visits, reminder_steps
from protocol.vocabulary import TERMINAL_PHASES, DueState, Phase
from trialsite.models import Site, Subject, Visit
from trialsite.selectors import protocol_of, state_periods, visits


def site_day(site: Site, at: datetime) -> date:
    """The date at the site at that instant."""
    return at.astimezone(ZoneInfo(site.time_zone)).date()


def standing_end_of_treatment(subject: Subject) -> EndOfTreatment | None:
    return EndOfTreatment.objects.select_related("signature").filter(subject=subject, in_error_at=None).first()


def standing_departure(subject: Subject) -> Departure | None:
    """The departure that ended what is collected; a death learned later is another one."""
    standing = Departure.objects.select_related("recorded_by").filter(subject=subject, in_error_at=None)
    return standing.order_by("id").first()


def passive_follow_up(left: Departure | None) -> bool:
    """True where the subject left and public records may still be followed: lost, or withdrawn with that scope."""
    if left is None:
        return False
    return left.kind == Departure.Kind.LOST or bool(left.passive_follow_up_allowed)


def departures(subject: Subject) -> list[Departure]:
    """Every departure entered, the newest first; those in error too."""
    return list(Departure.objects.select_related("recorded_by").filter(subject=subject).order_by("-id"))


def stopped_on(subject: Subject) -> date | None:
    """The day from which nothing more is expected of the subject, None while it goes on."""
    return next((one.starts_on for one in state_periods(subject) if Phase(one.state) in TERMINAL_PHASES), None)


@dataclass(frozen=True)
class StepLine:
    """One reminder of a visit: the day it falls on, and what became of it, None while it lies ahead."""

    days: int
    on: date
    reminder: Reminder | None


@dataclass(frozen=True)
class FollowUpLine:
    """One of the ten contacts. `contact`: the one that reached the subject. `attempts`: all that stand."""

    planned: PlannedVisit
    state: DueState
    visit: Visit | None
    contact: FollowUpContact | None
    attempts: tuple[FollowUpContact, ...]
    in_error: tuple[FollowUpContact, ...]
    steps: tuple[StepLine, ...]

    @property
    def code(self) -> str:
        return self.planned.code

    @property
    def not_reached(self) -> int:
        """How often nobody was reached."""
        return sum(one.outcome == FollowUpContact.Outcome.NOT_REACHED for one in self.attempts)

    @property
    def done_on(self) -> date | None:
        """When the visit took place: the contact's date, or that of a visit entered by other forms."""
        if self.contact is not None:
            return self.contact.contacted_on
        return self.visit.occurred_on if self.visit is not None else None

    @property
    def is_open(self) -> bool:
        """True while somebody still has to do something about it."""
        return self.state in {DueState.DUE, DueState.OVERDUE}

    @property
    def needs_reminding(self) -> bool:
        """True while reminders of it may still go out."""
        return self.is_open or self.state is DueState.PLANNED


@dataclass(frozen=True)
class FollowUpSchedule:
    """The follow-up of one subject, in order of date; empty before treatment ended."""

    lines: tuple[FollowUpLine, ...]
    stopped_on: date | None

    @property
    def overdue_first(self) -> tuple[FollowUpLine, ...]:
        order = {DueState.OVERDUE: 0, DueState.DUE: 1}
        return tuple(sorted(self.lines, key=lambda line: (order.get(line.state, 2), line.planned.target_on)))

    @property
    def done(self) -> int:
        return sum(line.state is DueState.DONE for line in self.lines)

    @property
    def next_open(self) -> FollowUpLine | None:
        """What to do first: the oldest overdue contact, else the one that is due."""
        return next((line for line in self.overdue_first if line.is_open), None)

    def line(self, code: str) -> FollowUpLine | None:
        return next((line for line in self.lines if line.code == code), None)


def follow_up_schedule(subject: Subject, today: date) -> FollowUpSchedule:
    """The ten contacts with windows, states, attempts and reminders; five queries. Dates are the site's."""
    if subject.treatment_ended_on is None:
        return FollowUpSchedule((), stopped_on(subject))
    stopped, known = stopped_on(subject), visits(subject)
    contacts: dict[str, list[FollowUpContact]] = defaultdict(list)
    for one in FollowUpContact.objects.select_related("recorded_by").filter(subject=subject):
        contacts[one.visit_code].append(one)
    told = {
        (one.visit_code, one.step_days): one
        for one in Reminder.objects.filter(subject=subject).exclude(status=Reminder.Status.VOID)
    }
    trial = protocol_of(subject)
    planned = follow_up_visits(subject.treatment_ended_on, trial, subject.registered_on)
    lines = (
        replace(
            _line(one, known.get(one.code), contacts[one.code], today, stopped),
            steps=tuple(
                StepLine(step.offset, step.on, told.get((one.code, step.offset))) for step in reminder_steps(one, trial)
            ),
        )
        for one in planned
    )
    return FollowUpSchedule(tuple(lines), stopped)


def _line(
    planned: PlannedVisit,
    visit: Visit | None,
    contacts: list[FollowUpContact],
    today: date,
    stopped: date | None,
) -> FollowUpLine:
    standing = tuple(one for one in contacts if one.in_error_at is None)
    reached = next((one for one in standing if one.outcome == FollowUpContact.Outcome.REACHED), None)
    done_on = reached.contacted_on if reached else (visit.occurred_on if visit else None)
    not_done = visit is not None and visit.status == Visit.Status.NOT_DONE
    return FollowUpLine(
        planned=planned,
        state=due_state(planned, today, done_on, today if not_done else None, stopped),
        visit=visit,
        contact=reached,
        attempts=standing,
        in_error=tuple(one for one in contacts if one.in_error_at is not None),
        steps=(),
    )


@dataclass(frozen=True)
class WillStop:
    """What ends with treatment on a day: planned doses and visits after it, and a decision that nobody need take."""

    doses: dict[str, int]
    last_dose_planned_on: date | None
    visits: tuple[PlannedVisit, ...]
    decision_waits: bool
    dose_unknown: bool


def will_stop(subject: Subject, after: date) -> WillStop:
    """Counts planned doses by drug and visits later than `after`."""
    ahead, unknown = _doses_after(subject, after)
    counted: dict[str, int] = defaultdict(int)
    for dose in ahead:
        counted[dose.drug.value.lower()] += 1
    coming = tuple(one for one in planned_visits(subject) if one.target_on > after and not one.code.startswith("fu"))
    return WillStop(
        doses=dict(counted),
        last_dose_planned_on=ahead[-1].on if ahead else None,
        visits=tuple(one for one in coming if one.code != "eot"),
        decision_waits=pending_proposal(subject) is not None,
        dose_unknown=unknown,
    )


def _doses_after(subject: Subject, after: date) -> tuple[list[PlannedDose], bool]:
    try:
        return [dose for dose in planned_doses(subject) if dose.on > after], False
    except UnconfirmedDose:
        return [], True
