"""Two people who correct one adverse event: what only one of them changed stands; what both changed is asked."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from labs.services.answers import last_save, merged
from safety.models import AdverseEvent
from safety.services.event_checks import Event
from safety.vocabulary import ActionTaken, Attribution, Outcome, Seriousness
from trialsite.partial_dates import from_iso, in_words_as_known

RECORD = "adverse_event"

#: Each answer with its words; term and grade are one, since a grade means nothing without its term.
LABELS = {
    "term": "Term and grade",
    "started": "First day",
    "stopped": "Last day",
    "outcome": "Outcome",
    "attribution_anakinra": "Caused by anakinra",
    "action_anakinra": "Action taken with anakinra",
    "attribution_dexamethasone": "Caused by dexamethasone",
    "action_dexamethasone": "Action taken with dexamethasone",
    "attribution_disease": "Caused by the disease",
    "attribution_other": "Caused by something else",
    "serious": "Serious, because",
    "reported_as": "As it was reported",
}
DATES = ("started", "stopped")


def with_theirs(stored: AdverseEvent, mine: Event, seen: Event | None) -> Event:
    """Mine, with what only another person corrected since the form was opened.

    seen: the event as it lay under the form, None if the caller held no older view. SavedMeanwhile for what both
    changed, each to something else.
    """
    if seen is None:
        return mine
    theirs = event_of(stored)
    own = _answers(mine)
    settled = merged(
        opened=_answers(seen), theirs=_answers(theirs), mine=own, saved=lambda: last_save(RECORD, stored.pk),
        label=LABELS.__getitem__, words=_in_words,
    )  # fmt: skip
    taken = [name for name, value in settled.items() if value != own[name]]
    fields = [one for name in taken for one in (("term", "grade") if name == "term" else (name,))]
    return replace(mine, **{name: getattr(theirs, name) for name in fields})


def event_of(stored: AdverseEvent) -> Event:
    """A stored event as the form would say it."""
    return Event(
        term=stored.term,
        grade=stored.grade,
        started=from_iso(stored.started, stored.started_typed),
        stopped=from_iso(stored.stopped, stored.stopped_typed) if stored.stopped else None,
        outcome=Outcome(stored.outcome),
        attribution_anakinra=Attribution(stored.attribution_anakinra),
        attribution_dexamethasone=Attribution(stored.attribution_dexamethasone),
        action_anakinra=ActionTaken(stored.action_anakinra),
        action_dexamethasone=ActionTaken(stored.action_dexamethasone),
        attribution_disease=stored.attribution_disease,
        attribution_other=stored.attribution_other,
        serious=frozenset(one for one in Seriousness if getattr(stored, one.value)),
        reported_as=stored.reported_as,
    )


def _answers(event: Event) -> dict[str, Any]:
    """Answer by answer; the same date in other words is the same date."""
    plain: dict[str, Any] = {name: getattr(event, name) for name in LABELS}
    dates = {name: plain[name].iso if plain[name] else "" for name in DATES}
    return {**plain, **dates, "term": (event.term, event.grade)}


def _in_words(name: str, value: Any) -> str:
    if name == "term":
        return f"{value[0]}, grade {value[1]}"
    if name == "serious":
        return "; ".join(one.label for one in Seriousness if one in value) or "Not serious"
    if name in DATES:
        return in_words_as_known(value)
    if name.startswith("attribution") and value:
        return str(Attribution(value).label)
    return str(getattr(value, "label", value))
