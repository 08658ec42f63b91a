"""What messages of laboratories have in common: text, dates and identifiers, whatever the standard they follow."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from labs.files import LONGEST_CELL, Unreadable
from labs.mapping import Part, Received
from protocol.trial import TRIAL

MOST_MESSAGE_BYTES = 1024 * 1024
MOST_RESULTS = 2_000
#: Screening number or subject number: what is no number of the trial is not kept.
_NUMBER = re.compile(r"\d\d-S?\d{3,4}\Z")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_NAME = re.compile(r"[^\w.:-]", re.ASCII)
_CODES = {
    "negative": "neg", "neg": "neg", "260385009": "neg", "positive": "pos", "pos": "pos", "10828004": "pos",
}  # fmt: skip


@dataclass(frozen=True)
class Message:
    """A message as read: its own number, and its results in their order. Nothing else of it is kept."""

    number: str
    rows: tuple[Received, ...]


def text_of_message(content: bytes) -> str:
    """The message as text. Unreadable for what is empty, too large, packed, XML or not UTF-8."""
    if not content.strip():
        raise Unreadable("The message is empty.")
    if len(content) > MOST_MESSAGE_BYTES:
        raise Unreadable(f"The message is larger than {MOST_MESSAGE_BYTES // 1024} KB. Send fewer results at once.")
    if content.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        raise Unreadable("The message is compressed. Send it unpacked.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unreadable("The message is not written in UTF-8.") from None
    if text.lstrip().startswith("<"):
        raise Unreadable("XML is not read. Send a FHIR bundle as JSON, or HL7 v2 with bars.")
    return text


def checked(number: str, rows: list[Received]) -> Message:
    """The message, if it holds results and not too many. What is no text in a result becomes its problem."""
    if not rows:
        raise Unreadable("The message holds no result.")
    if len(rows) > MOST_RESULTS:
        raise Unreadable(f"The message holds {len(rows):,} results; {MOST_RESULTS:,} are taken at once.")
    return Message(_NAME.sub("", number)[:60], tuple(_clean(one) for one in rows))


def _clean(row: Received) -> Received:
    """No sign that the database cannot hold, nothing longer than a cell may be, no number of another register."""
    problem = row.problem
    parts = {}
    for part, text in row.parts.items():
        if _NO_TEXT.search(text):
            problem = problem or "This result holds a sign that no text has."
        if len(text) > LONGEST_CELL:
            problem = problem or f"This result holds a text longer than {LONGEST_CELL} characters."
        parts[part] = _NO_TEXT.sub("?", text)[:LONGEST_CELL].strip()
    return Received(row.line, parts, problem)


def study_number(identifiers: Iterable[tuple[str, str]]) -> str:
    """The subject's number among (register, number): that of the trial, or the only one. Else empty.

    A hospital's number is never kept.
    """
    known = list(dict.fromkeys((register.upper(), number.strip().upper()) for register, number in identifiers))
    of_trial = [number for register, number in known if TRIAL.id in register]
    chosen = of_trial or [number for _, number in known]
    return chosen[0] if len(chosen) == 1 and _NUMBER.match(chosen[0]) else ""


def local(moment: datetime, zone: str) -> tuple[str, str]:
    """Date and time of day at the site. A moment that states no offset is the site's own."""
    try:
        there = moment.astimezone(ZoneInfo(zone)) if moment.tzinfo else moment
    except OverflowError:
        return "", ""
    return there.date().isoformat(), f"{there:%H:%M}"


def coded_words(text: str) -> str:
    """negative -> neg; anything else as it is."""
    return _CODES.get(text.strip().lower(), text)


def differing(first: str, second: str) -> str:
    """The problem of two collection dates that do not agree, or nothing."""
    differ = bool(first and second and first != second)
    return "The result and its specimen state different collection dates." if differ else ""


__all__ = [
    "MOST_MESSAGE_BYTES", "MOST_RESULTS", "Message", "Part", "checked", "coded_words", "differing", "local",
    "study_number", "text_of_message",
]  # fmt: skip
