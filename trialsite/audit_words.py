"""The audit trail in plain sentences: who did what to which record, from which value to which."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any

from django.apps import apps
from django.db.models import Field

from protocol.trial import TRIAL
from protocol.versions import slot_label
from protocol.vocabulary import Analyte
from trialsite.days import in_words
from trialsite.models import AuditEvent
from trialsite.records import BY_TABLE, KINDS, Kind

Row = Mapping[str, Any]

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}")
EMPTY = "empty"

#: Columns that are bookkeeping: the event itself says who and when.
_QUIET = """
id key site_id subject_id visit_id specimen_id laboratory_id signature_id query_id assessment_id proposal_id
decision_id signer_id content digest fingerprint snapshot inputs result detail judgements version conversion_version
recorded_at recorded_by_id entered_at entered_by_id created_at created_by_id opened_at opened_by_id granted_at
granted_by_id made_at made_by_id saved_at saved_by_id by_id by_name at published_at superseded_at in_error_at password
token_digest
"""
QUIET = frozenset(_QUIET.split())


@dataclass(frozen=True)
class Change:
    """One field of one event: in words, old and new."""

    field: str
    label: str
    old: str
    new: str


@dataclass(frozen=True)
class Entry:
    """One event of the audit trail as it is read. `at` is the database's time, in UTC."""

    event_id: int
    words: str
    reason: str
    at: datetime
    person: str
    by: str
    record: str
    table: str
    row_id: str
    changes: tuple[Change, ...]
    source: str
    request_id: str
    software: str


def entry(event: AuditEvent, before: Row | None, row: Row) -> Entry:
    """One event in words. `before`: the version that this one replaced, if any; `row`: the row as first written."""
    name = BY_TABLE.get(event.table, event.table)
    kind = KINDS.get(name, Kind(event.table, event.table.replace("_", " ")))
    changes = tuple(_changes(event, kind, before))
    return Entry(
        event_id=event.id,
        words=f"{event.actor_name} {_sentence(event, kind, before, row, changes)}.",
        reason=_reason(event, row).rstrip("."),
        at=event.at,
        person=event.actor_name,
        by=event.role.replace("_", " "),
        record=f"{name}:{event.row_id}",
        table=event.table,
        row_id=event.row_id,
        changes=changes,
        source=event.source,
        request_id=event.request_id,
        software=event.software,
    )


def _reason(event: AuditEvent, row: Row) -> str:
    own = (event.new or {}).get("reason")
    if event.op == "INSERT":
        return str(own) if own and (event.new or {}).get("version", 1) != 1 else ""
    return event.reason


def _changes(event: AuditEvent, kind: Kind, before: Row | None) -> list[Change]:
    new, old = event.new or {}, event.old or {}
    if event.op == "INSERT" and before is not None:
        old = before
    quiet = QUIET | {"reason"} if new.get("version", 1) != 1 else QUIET
    return [
        Change(
            name,
            label(event.table, name),
            shown(event.table, name, old.get(name)),
            shown(event.table, name, new[name]),
        )
        for name in new
        if name not in quiet
        and not _same(old.get(name), new[name])
        and not (name == "in_error" and event.op == "INSERT")
    ]


def _same(old: Any, new: Any) -> bool:
    return old == new or (old in (None, "", [], {}) and new in (None, "", [], {}))


def _sentence(event: AuditEvent, kind: Kind, before: Row | None, row: Row, changes: tuple[Change, ...]) -> str:
    if (special := SENTENCES.get(event.table)) and (words := special(event)):
        return words
    what = named(kind, row)
    if kind.value and event.op == "INSERT":
        value = _value(kind, event.table, event.new or {})
        if before is None:
            return f"entered {what} {value}"
        return f"changed {what} from {_value(kind, event.table, before)} to {value}"
    if event.op == "INSERT" and before is None:
        listed = ", ".join(f"{one.label} {one.new}" for one in changes)
        return f"recorded {what}" + (f": {listed}" if listed else "")
    if event.op == "DELETE":
        return f"deleted {what}"
    if not changes:
        if "superseded_at" not in (event.new or {}):
            return f"saved {what} again"
        return f"set {what} {_value(kind, event.table, row)} aside".replace("  ", " ")
    return f"changed {what}: " + "; ".join(f"{one.label} from {one.old} to {one.new}" for one in changes)


def _value(kind: Kind, table: str, row: Row) -> str:
    return " ".join(shown(table, name, row.get(name)) for name in kind.value if row.get(name) not in (None, ""))


def named(kind: Kind, row: Row) -> str:
    """The record in words: serum M-spike, anakinra on 3 Mar 2026, visit m06."""
    if "analyte" in row and kind.table == "labs_labresult":
        return analyte_words(row["analyte"])
    if kind.table == "dosing_doserecord":
        return f"{str(row.get('drug', '')).lower()} on {_plain(row.get('on'))}"
    if kind.table == "enrollment_screeninganswer":
        return f"the answer to {str(row.get('item', '')).replace('_', ' ')}"
    visit = row.get("code") or row.get("visit_code") or ""
    return f"{kind.words} {visit_words(visit) if visit else row.get('panel', '')}".strip()


def visit_words(code: str) -> str:
    """Month 6, Follow-up month 12, Unscheduled visit 1; the code itself where it is none of the protocol's."""
    if code[:2] == "fu" and code[2:].isdecimal():
        return f"Follow-up month {int(code[2:])}"
    if code[:3] == "uns" and code[3:].isdecimal():
        return f"Unscheduled visit {code[3:]}"
    return slot_label(code)


def analyte_words(slug: str) -> str:
    """The label of an analyte, beginning with a small letter where it is a word."""
    if slug not in set(Analyte):
        return slug
    words = TRIAL.analytes[Analyte(slug)].label
    return words if words[1:2].isupper() else words[:1].lower() + words[1:]


def _asked(event: AuditEvent) -> str:
    new = event.new or {}
    verbs = {"opened": "asked", "answered": "answered a query", "confirmed": "confirmed as entered",
             "closed": "closed a query", "reopened": "reopened a query", "asked": "asked anew"}  # fmt: skip
    said = str(new.get("text", "")).rstrip(".")
    return f"{verbs[new['action']]}: {said}" if new.get("action") in verbs else ""


def _signed(event: AuditEvent) -> str:
    new = event.new or {}
    return f"signed {str(new.get('record_type', '')).replace('_', ' ')} as {new.get('meaning', '')}"


def _signature_ended(event: AuditEvent) -> str:
    return f"marked a signature as {(event.new or {}).get('kind', '')}"


def _verified(event: AuditEvent) -> str:
    new = event.new or {}
    record = KINDS[new["record_type"]].words if new.get("record_type") in KINDS else "record"
    return f"verified {new.get('value', '')} against the source: {record} {new.get('record_id', '')}"


def _verification_withdrawn(event: AuditEvent) -> str:
    return f"withdrew a source data verification: {(event.new or {}).get('reason', '')}".rstrip(".")


def _lock_stepped(event: AuditEvent) -> str:
    new = event.new or {}
    place = place_name(str(new.get("place", "")))
    verbs = {"freeze": f"froze {place}", "release": f"lifted the freeze of {place}", "lock": f"locked {place}",
             "unlock": f"unlocked {place}", "ask": f"asked for an unlock of {place}",
             "decline": f"declined to unlock {place}"}  # fmt: skip
    why = str(new.get("reason", "")).rstrip(".")
    return f"{verbs[new['act']]}: {why}".removesuffix(": ") if new.get("act") in verbs else ""


#: Parts of the record besides visits and the doses of a month.
_PARTS = {
    "enrolment": "consent and eligibility",
    "course": "the course of treatment",
    "safety": "adverse events and medications",
}


def place_name(place: str) -> str:
    """month 6; the doses of March 2026; consent and eligibility."""
    if place.startswith("doses-"):
        return f"the doses of {date.fromisoformat(place.removeprefix('doses-') + '-01'):%B %Y}"
    words = _PARTS.get(place) or visit_words(place)
    return words[:1].lower() + words[1:]


def _tried_again(event: AuditEvent) -> str:
    return "had failed work tried again" if "asked_again_at" in (event.new or {}) and event.op == "UPDATE" else ""


SENTENCES: Mapping[str, Callable[[AuditEvent], str]] = {
    "trialsite_querymessage": _asked,
    "trialsite_signature": _signed,
    "trialsite_signatureevent": _signature_ended,
    "trialsite_sourceverification": _verified,
    "trialsite_sourceverificationwithdrawal": _verification_withdrawn,
    "trialsite_lockstep": _lock_stepped,
    "trialsite_outboxmessage": _tried_again,
}


@cache
def _fields(table: str) -> dict[str, Field[Any, Any]]:
    for model in apps.get_models():
        if model._meta.db_table == table:
            return {field.column: field for field in model._meta.concrete_fields}
    return {}


def label(table: str, column: str) -> str:
    """The words of a column: its verbose name."""
    field = _fields(table).get(column)
    return str(field.verbose_name) if field else column.replace("_", " ")


def fields_of(kind: Kind, row: Row) -> list[tuple[str, str]]:
    """Name and words of every field of a record that says something of the subject; none where it is one value."""
    if kind.value:
        return []
    return [(name, label(kind.table, name)) for name in row if name not in QUIET and name != "token"]


def shown(table: str, column: str, value: Any) -> str:
    """A stored value as a person reads it: choices by label, dates and yes or no in words."""
    field = _fields(table).get(column)
    choices = dict(field.flatchoices) if field and field.flatchoices else {}
    return str(choices[value]) if isinstance(value, str) and value in choices else _plain(value)


def _plain(value: Any) -> str:
    if value in (None, "", [], {}):
        return EMPTY
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = str(value)
    if _DATE.fullmatch(text):
        return in_words(date.fromisoformat(text))
    if _INSTANT.match(text):
        return f"{in_words(date.fromisoformat(text[:10]))} {text[11:16]} UTC"
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_within(one)}" for name, one in value.items())
    return ", ".join(map(_within, value)) if isinstance(value, list) else text


def _within(value: Any) -> str:
    """A value inside another one, in brackets where it has parts of its own."""
    return f"({_plain(value)})" if value and isinstance(value, dict | list) else _plain(value)
