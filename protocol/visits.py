"""Planned visits, follow-up dates, what is due, and which reminder goes out today (F-01)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from protocol.months import add_calendar_months, add_months
from protocol.schema import Protocol, ScheduleItem, ScheduleSlot
from protocol.vocabulary import DueState, FollowUpOrigin


@dataclass(frozen=True)
class Anchors:
    """Dates that visits hang on. `planned_end_on` is the last planned day of treatment, where known."""

    registered_on: date | None = None
    day1: date | None = None
    planned_end_on: date | None = None
    ended_treatment_on: date | None = None


@dataclass(frozen=True)
class PlannedVisit:
    """A visit slot with its target and inclusive window. `number` counts follow-up visits from 1, else 0."""

    code: str
    label: str
    target_on: date
    opens_on: date
    closes_on: date
    items: tuple[ScheduleItem, ...]
    number: int = 0


@dataclass(frozen=True)
class Step:
    """One reminder of a visit: days from the due date, and the day it falls on."""

    offset: int
    on: date


@dataclass(frozen=True)
class ReminderDue:
    """What to do for one visit today: at most one reminder goes out, older ones are stored as skipped."""

    send: Step | None
    skipped: tuple[Step, ...] = ()


def schedule(anchors: Anchors, trial: Protocol) -> tuple[PlannedVisit, ...]:
    """Every visit that the anchors allow, in order: screening, Day 1, months, end of treatment, follow-up."""
    on_road = [visit for slot in trial.schedule if (visit := _planned(slot, anchors, trial)) is not None]
    if anchors.ended_treatment_on is None:
        return tuple(on_road)
    return (*on_road, *follow_up_visits(anchors.ended_treatment_on, trial, anchors.registered_on))


def _planned(slot: ScheduleSlot, anchors: Anchors, trial: Protocol) -> PlannedVisit | None:
    target = _target(slot, anchors, trial)
    if target is None:
        return None
    window = target + timedelta(days=slot.opens), target + timedelta(days=slot.closes)
    return PlannedVisit(slot.code, slot.label, target, *window, items_for(slot.column, trial))


def _target(slot: ScheduleSlot, anchors: Anchors, trial: Protocol) -> date | None:
    if slot.code == "eot":
        return anchors.ended_treatment_on
    if slot.code == "scr":
        return anchors.day1 or anchors.registered_on
    if anchors.day1 is None:
        return None
    target = add_months(anchors.day1, slot.month, trial.config.month_convention)
    last = anchors.ended_treatment_on or anchors.planned_end_on
    reached = last is None or target + timedelta(days=slot.opens) <= last
    return target if slot.month == 0 or reached else None


def items_for(column: str, trial: Protocol) -> tuple[ScheduleItem, ...]:
    """Rows of the schedule of events that a column asks for, required or not."""
    return tuple(item for item in trial.items if column in item.cells)


def follow_up_visits(
    ended_on: date,
    trial: Protocol,
    registered_on: date | None = None,
) -> tuple[PlannedVisit, ...]:
    """The follow-up visits, each counted in calendar months from the origin, up to the cap."""
    config = trial.config
    origin = _origin(config.fu_origin, ended_on, registered_on)
    cap = add_calendar_months(_origin(config.fu_cap_origin, ended_on, registered_on), config.fu_cap_months)
    visits = (_follow_up(number, origin, trial) for number in range(1, config.fu_visits + 1))
    return tuple(visit for visit in visits if visit.target_on <= cap)


def _origin(origin: FollowUpOrigin, ended_on: date, registered_on: date | None) -> date:
    if origin is FollowUpOrigin.REGISTRATION and registered_on is not None:
        return registered_on
    return ended_on


def _follow_up(number: int, origin: date, trial: Protocol) -> PlannedVisit:
    months = number * trial.config.fu_interval_months
    due, window = add_calendar_months(origin, months), timedelta(days=trial.config.fu_window_days)
    items = items_for("FU", trial)
    return PlannedVisit(f"fu{months:02d}", f"Follow-up month {months}", due, due - window, due + window, items, number)


def due_state(
    visit: PlannedVisit,
    today: date,
    done_on: date | None = None,
    not_done_on: date | None = None,
    stopped_on: date | None = None,
) -> DueState:
    """Where a visit stands today. `stopped_on`: death, withdrawal, loss or completion of the subject."""
    if done_on is not None:
        return DueState.DONE
    if not_done_on is not None:
        return DueState.NOT_DONE
    if stopped_on is not None and stopped_on <= visit.closes_on:
        return DueState.NOT_EXPECTED
    if today < visit.opens_on:
        return DueState.PLANNED
    return DueState.DUE if today <= visit.closes_on else DueState.OVERDUE


def slot_for(on: date, visits: Sequence[PlannedVisit]) -> PlannedVisit | None:
    """The visit whose window holds a collection date, the nearest target first; None is an unscheduled sample."""
    open_then = [visit for visit in visits if visit.opens_on <= on <= visit.closes_on]
    return min(open_then, key=lambda visit: (abs((visit.target_on - on).days), visit.target_on), default=None)


def reminder_steps(visit: PlannedVisit, trial: Protocol) -> tuple[Step, ...]:
    """The reminders of a follow-up visit in order of day."""
    offsets = sorted(trial.config.reminder_offsets_days)
    return tuple(Step(offset, visit.target_on + timedelta(days=offset)) for offset in offsets)


def reminder_due(
    visit: PlannedVisit,
    today: date,
    settled: frozenset[int],
    trial: Protocol,
    done_on: date | None = None,
    stopped_on: date | None = None,
) -> ReminderDue:
    """The reminder of one visit to send today. `settled` holds offsets already sent or skipped.

    Nothing goes out for a visit that is done or a subject who has stopped by today; after downtime only the
    newest overdue step is sent and the older ones come back as skipped.
    """
    if any(day is not None and day <= today for day in (done_on, stopped_on)):
        return ReminderDue(None)
    newest_settled = max(settled, default=None)
    overdue = [
        step
        for step in reminder_steps(visit, trial)
        if step.on <= today and (newest_settled is None or step.offset > newest_settled)
    ]
    return ReminderDue(overdue[-1], tuple(overdue[:-1])) if overdue else ReminderDue(None)
