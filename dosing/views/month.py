"""One month of the calendar as the page prints it: cells, strip, totals."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from dosing.selectors.calendar import Calendar, CalendarDay, DayDose
from dosing.vocabulary import DRUG_ROUTE, DRUG_SHORT, DRUG_WORDS, ORDERED, PHASE_SPAN, PHASE_WORDS
from protocol.doses import Modification
from protocol.explain import plain
from protocol.vocabulary import DoseAction, Drug, Phase
from trialsite.charts import StripDay, StripRow, day_strip
from trialsite.days import in_words

WEEKDAYS = [(name[:3], name) for name in ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")]
STATE_WORDS = {
    "taken": "taken",
    "missed": "missed",
    "held": "held",
    "due": "to record today",
    "to_record": "to record",
    "planned": "planned",
}


@dataclass(frozen=True)
class DoseLine:
    state: str
    words: str
    dex: bool
    alert: bool


@dataclass(frozen=True)
class Cell:
    """One day cell; `outside` days belong to the months beside."""

    outside: bool
    number: int
    url: str
    label: str
    protocol_day: str
    doses: tuple[DoseLine, ...]
    visit: str
    selected: bool
    today: bool


def month_context(calendar: Calendar, chosen_on: date) -> dict[str, Any]:
    """Everything of the page that depends on month and day, without forms."""
    first = chosen_on.replace(day=1)
    weeks = calendar.weeks(first.year, first.month)
    chosen = calendar.day(chosen_on)
    return {
        "month_words": f"{first:%B} {first.year}",
        "month_query": f"{first:%Y-%m}",
        "on_study": _on_study(weeks, first.month),
        "before": _neighbour(first - timedelta(days=1)),
        "after": _neighbour(first + timedelta(days=31)),
        "weekdays": WEEKDAYS,
        "weeks": [[_cell(day, first, chosen_on, calendar.today) for day in week] for week in weeks],
        "has_high_dose": any(
            dose.regimen is Phase.HIGH_DEX for dose in calendar.planned if dose.drug is not Drug.ANAKINRA
        ),
        "chosen": chosen,
        "chosen_words": f"{chosen_on:%A} {chosen_on.day} {chosen_on:%B}",
        "chosen_day": f"Month {chosen.month}, day {chosen.day_of_month}" if chosen.month else "Before Day 1",
        "chosen_doses": [(dose, drug_line(dose)) for dose in chosen.doses],
        "orders": [_order_words(order) for order in calendar.orders if order.covers(calendar.today)],
        **_phase_context(calendar),
    }


def _order_words(order: Modification) -> str:
    """Anakinra is on hold since 3 Mar 2026."""
    since = f"since {in_words(order.starts_on)}"
    if order.action is DoseAction.REDUCE and order.mg is not None:
        return f"{DRUG_WORDS[order.drug]} is reduced to {plain(order.mg)} mg {since}."
    return f"{DRUG_WORDS[order.drug]} is {ORDERED[order.action]} {since}."


def _neighbour(day: date) -> dict[str, str]:
    return {"query": f"{day:%Y-%m}", "words": f"{day:%B} {day.year}"}


def _on_study(weeks: list[list[CalendarDay]], month: int) -> str:
    numbers = sorted({day.month for week in weeks for day in week if day.on.month == month and day.month})
    if not numbers:
        return "Not on study in this month"
    words = " and ".join(str(number) for number in numbers)
    return f"Month{'s' if len(numbers) > 1 else ''} {words} on study"


def _cell(day: CalendarDay, first: date, chosen_on: date, today: date) -> Cell:
    protocol_day = f"M{day.month} D{day.day_of_month}" if day.month else ""
    return Cell(
        outside=day.on.month != first.month,
        number=day.on.day,
        url=f"?day={day.on.isoformat()}#calendar",
        label=_label(day),
        protocol_day=protocol_day,
        doses=tuple(_line(dose) for dose in day.doses),
        visit=day.visit,
        selected=day.on == chosen_on,
        today=day.on == today,
    )


def _label(day: CalendarDay) -> str:
    """The cell as it is read aloud."""
    where = f", month {day.month} day {day.day_of_month}" if day.month else ""
    doses = [f"{drug_line(dose)} {STATE_WORDS[dose.state]}" for dose in day.doses] or ["no dose planned"]
    said = ", ".join([*doses, day.visit] if day.visit else doses)
    return f"{day.on:%A} {day.on.day} {day.on:%B}{where}: {said}"


def _line(dose: DayDose) -> DoseLine:
    name, alert = DRUG_SHORT[dose.planned.drug], dose.state in {"missed", "held"}
    words = f"{name} {dose.state}" if alert else f"{name} {plain(dose.mg)}"
    if dose.planned.regimen is Phase.HIGH_DEX and dose.planned.drug is Drug.DEXAMETHASONE and not alert:
        words = f"{name} high {plain(dose.mg)}"
    if dose.is_withheld and dose.record is None:
        words = f"{name} {ORDERED[dose.order.action]}" if dose.order else words
    state = "due" if dose.state == "to_record" else dose.state
    return DoseLine(state, words, dose.planned.drug is Drug.DEXAMETHASONE, alert)


def drug_line(dose: DayDose) -> str:
    """Anakinra 100 mg SC; what was ordered instead is said."""
    drug = dose.planned.drug
    if dose.is_withheld and dose.order is not None:
        return f"{DRUG_WORDS[drug]}: {ORDERED[dose.order.action]}"
    reduced = f", reduced from {plain(dose.planned.mg)} mg" if dose.mg != dose.planned.mg else ""
    return f"{DRUG_WORDS[drug]} {plain(dose.mg)} mg {DRUG_ROUTE[drug]}{reduced}"


def _phase_context(calendar: Calendar) -> dict[str, Any]:
    span = calendar.present_span()
    months = calendar.strip()
    rows = tuple(
        StripRow(f"M{month.number}", tuple(StripDay(_strip_state(day), dex=_has_dex(day)) for day in month.days))
        for month in months
    )
    return {
        "phase_title": PHASE_SPAN[span.phase] if span else "",
        "phase_words": PHASE_WORDS[span.phase] if span else "",
        "phase_dates": f"{in_words(span.starts_on)} to {in_words(span.ends_on)}" if span and span.ends_on else "",
        "strip": day_strip(rows) if rows else None,
        "totals": [({"long": DRUG_WORDS[one.drug], "short": DRUG_SHORT[one.drug]}, one) for one in calendar.totals()],
        "to_record_on": calendar.oldest_to_record(),
    }


def _strip_state(day: CalendarDay) -> str:
    """A day's state is that of its worst dose: missed, held, to record, taken, planned."""
    states = [dose.state for dose in day.doses]
    order = ("missed", "held", "to_record", "due", "taken", "planned")
    found = next((state for state in order if state in states), "none")
    return "to_record" if found == "due" else found


def _has_dex(day: CalendarDay) -> bool:
    return any(dose.planned.drug is Drug.DEXAMETHASONE for dose in day.doses)
