"""One row of a laboratory's file, understood on its own: whose it is, which test, which unit, which day."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time

from labs.entries import Entry, split_missing
from labs.mapping import IMPORTABLE, NOT_WANTED, FileMapping, Part
from labs.models import ImportRow, Laboratory
from labs.selectors.imports import CANCELLED, WITHDRAWN
from labs.words import unit_words
from protocol.trial import TRIAL
from protocol.units import UnknownUnit, accepted_units
from protocol.vocabulary import Analyte
from trialsite.models import Subject

#: What a result status of a file means; what is not here is refused.
FINAL = frozenset({"", "f", "final", "complete", "completed"})
CORRECTED = frozenset({"c", "corrected", "correction", "amended", "appended"})
#: A result that the laboratory could not obtain, or takes back: what is missing from then on, and why.
TAKEN_BACK: Mapping[str, Entry] = {
    **dict.fromkeys(CANCELLED, Entry("nd", reason="Cancelled by the laboratory.")),
    **dict.fromkeys(WITHDRAWN, Entry("unk", reason="Withdrawn by the laboratory.")),
}
NOT_YET = frozenset({"p", "i", "s", "r", "preliminary", "prelim", "partial", "pending", "registered"})
_SEXES = {"f": "F", "female": "F", "w": "F", "m": "M", "male": "M"}
_YEAR = re.compile(r"(?<!\d)(?:18|19|20)\d\d(?!\d)")
_TIME = re.compile(r"([01]?\d|2[0-3])[:.]?([0-5]\d)(?::[0-5]\d)?\Z")


class NotUsable(Exception):
    """The row cannot be imported as it is. `field`: what has to be mended; the message is fit for the user."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


@dataclass(frozen=True)
class Ground:
    """What rows are read against: how the laboratory writes, and the site's subjects by their numbers."""

    laboratory: Laboratory
    mapping: FileMapping
    subjects: Mapping[str, Subject]


@dataclass(frozen=True)
class Understood:
    """A row with everything that can be known of it without looking at what is recorded."""

    row: ImportRow
    subject: Subject
    analyte: Analyte
    on: date
    time: time | None
    accession: str
    method: str
    entry: Entry
    is_correction: bool
    takes_back: bool = False

    @property
    def sample(self) -> tuple[int, date, str]:
        """Rows with the same key are of one sample; without an accession number the time tells samples apart."""
        return self.subject.pk, self.on, self.accession or (f"at {self.time:%H:%M}" if self.time else "")


def understand(row: ImportRow, ground: Ground) -> Understood:
    """The row understood; what was found on the way stands on the row. Raises NotUsable."""
    row.subject, row.analyte, row.collected_on, row.visit_code = None, "", None, ""
    parts = {Part(name): str(words).strip() for name, words in row.received.get("parts", {}).items()}
    if row.received.get("problem"):
        raise NotUsable("", row.received["problem"])
    subject = _subject(row.fixes.get("subject") or parts.get(Part.SUBJECT, ""), ground)
    _check_identity(subject, parts)
    row.subject = subject
    analyte = _analyte(row, parts, ground.mapping)
    row.analyte = analyte.value
    row.collected_on = on = _day(row, parts, ground.mapping)
    taken_back = TAKEN_BACK.get(parts.get(Part.STATUS, "").lower())
    is_correction = taken_back is None and _is_correction(parts.get(Part.STATUS, ""))
    entry = taken_back or _entry(row, analyte, parts, ground.mapping)
    return Understood(
        row=row,
        subject=subject,
        analyte=analyte,
        on=on,
        time=_time(parts.get(Part.COLLECTED_TIME, "")),
        accession=_short(parts.get(Part.ACCESSION, ""), 40, "Accession number"),
        method=_short(parts.get(Part.METHOD, ""), 60, "Method"),
        entry=entry,
        is_correction=is_correction,
        takes_back=taken_back is not None,
    )


def _subject(number: str, ground: Ground) -> Subject:
    if not number:
        raise NotUsable("subject", "The row names no subject.")
    subject = ground.subjects.get(number.upper())
    if subject is None:
        words = f"No subject {number[:20]} at Site {ground.laboratory.site.code}. Check the label on the report."
        raise NotUsable("subject", words)
    return subject


def _check_identity(subject: Subject, parts: Mapping[Part, str]) -> None:
    """Year of birth and sex must be there and agree, or the row is refused, saying which differs."""
    years = set(_YEAR.findall(parts.get(Part.BIRTH_YEAR, "")))
    sex = _SEXES.get(parts.get(Part.SEX, "").lower(), "")
    unsaid = [words for words, given in (("year of birth", len(years) == 1), ("sex", sex)) if not given]
    if unsaid:
        words = f"The row does not say the {' or the '.join(unsaid)}, so it cannot be matched to {subject.number}."
        raise NotUsable("subject", words)
    differs = [
        words
        for words, is_same in (
            ("year of birth", years == {str(subject.birth_year)}),
            ("sex", sex == subject.sex),
        )
        if not is_same
    ]
    if differs:
        verb = "differs" if len(differs) == 1 else "differ"
        raise NotUsable("subject", f"{' and '.join(differs).capitalize()} {verb} from subject {subject.number}.")


def _analyte(row: ImportRow, parts: Mapping[Part, str], mapping: FileMapping) -> Analyte:
    written = parts.get(Part.TEST, "")
    known = row.fixes.get("test") or mapping.tests.get(written, "")
    if known == NOT_WANTED:
        raise NotUsable("test", f"{written[:60]} is not part of the trial.")
    if not known:
        raise NotUsable("test", f"Choose the test: {written[:60] or 'no name'} is not matched for this laboratory.")
    analyte = Analyte(known)
    if analyte not in IMPORTABLE:
        raise NotUsable("test", f"{TRIAL.analytes[analyte].label} is entered in another form.")
    return analyte


def _day(row: ImportRow, parts: Mapping[Part, str], mapping: FileMapping) -> date:
    if "collected_on" in row.fixes:
        return date.fromisoformat(row.fixes["collected_on"])
    written = parts.get(Part.COLLECTED_ON, "")
    try:
        return mapping.day(written)
    except ValueError:
        if not written:
            raise NotUsable("collected_on", "Enter the collection date, the file has none.") from None
        example = date(2026, 3, 12).strftime(mapping.date_format)
        words = f"Enter the collection date: {written[:20]} is not written as {example}."
        raise NotUsable("collected_on", words) from None


def _time(written: str) -> time | None:
    if not written:
        return None
    found = _TIME.match(written)
    if found is None:
        raise NotUsable("", f"The collection time {written[:20]} cannot be read.")
    return time(int(found[1]), int(found[2]))


def _is_correction(status: str) -> bool:
    plain = status.lower()
    if plain in CORRECTED:
        return True
    if plain in FINAL:
        return False
    if plain in NOT_YET:
        raise NotUsable("", "The laboratory has not finished this result. Import the final one.")
    words = f"The laboratory reports this result with status {status[:20]}. Settle it in the visit's grid."
    raise NotUsable("", words)


def _entry(row: ImportRow, analyte: Analyte, parts: Mapping[Part, str], mapping: FileMapping) -> Entry:
    value = parts.get(Part.VALUE, "")
    _check_value(analyte, value)
    return Entry(value, unit=_unit(row, analyte, parts.get(Part.UNIT, ""), mapping))


def _check_value(analyte: Analyte, value: str) -> None:
    label = TRIAL.analytes[analyte].label
    if not value:
        raise NotUsable("", f"{label}: the row has no result.")
    if split_missing(value)[0] is not None:
        raise NotUsable("", f"{label}: {value[:20]} is no result. State the gap in the visit's grid.")


def _unit(row: ImportRow, analyte: Analyte, written: str, mapping: FileMapping) -> str:
    chosen = row.fixes.get("unit", "")
    if chosen in accepted_units(analyte) and chosen:
        return str(chosen)
    try:
        return mapping.unit_of(analyte, written)
    except UnknownUnit:
        label = TRIAL.analytes[analyte].label
        if not written:
            raise NotUsable("unit", f"Choose the unit for {label}, the file has none.") from None
        known = " or ".join(unit_words(one) for one in accepted_units(analyte) if one)
        words = f"{written[:20]} is not a unit of {label} that is known here; {known or 'no unit'} is."
        raise NotUsable("unit", words) from None


def _short(words: str, most: int, what: str) -> str:
    if len(words) > most:
        raise NotUsable("", f"{what}: at most {most} characters are kept.")
    return words
