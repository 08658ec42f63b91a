"""One row of a file beside what is recorded in its place: what it would change, in a word and a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from labs.entries import MISSING_WORDS, Reading
from labs.models import ImportRow, LabResult
from labs.services.understanding import Understood
from labs.words import unit_words
from protocol.explain import plain
from protocol.trial import TRIAL
from protocol.vocabulary import MissingReason

D = ImportRow.Disposition
#: A result that is stated missing already has nothing to take back.
GAPS = frozenset({MissingReason.ND, MissingReason.NA, MissingReason.UNK})
CORRECTED_WORDS = "Corrected by the laboratory."
NOTHING_TAKEN_BACK = "The laboratory took this result back; nothing of it is recorded."
PENDING_WORDS = "The pending result has come."


def say(row: ImportRow, disposition: str, words: str, field: str = "", *, would: str = "", recorded: str = "") -> None:
    row.disposition, row.words, row.field = disposition, words[:400], field
    row.would_save, row.recorded = would[:80], recorded[:80]


def compare(one: Understood, reading: Reading, standing: LabResult | None, older: Sequence[LabResult]) -> None:
    """Say of a row what it would change. older: versions of this result that no longer stand."""
    would = result_words(reading)
    if standing is None and one.takes_back:
        say(one.row, D.UNCHANGED, NOTHING_TAKEN_BACK)
        return
    if standing is None:
        asks = " ".join(finding.message for finding in reading.findings)
        say(one.row, D.NEW, f"{asks} A query will ask." if asks else "", would=would)
        return
    recorded = f"{standing.typed} {unit_words(standing.typed_unit)}".strip()
    if _is_same(reading, standing) or (one.takes_back and standing.missing in GAPS):
        say(one.row, D.UNCHANGED, "", would=would, recorded=recorded)
    elif standing.missing == MissingReason.PEND:
        words = one.entry.reason or PENDING_WORDS
        say(one.row, D.CORRECTED, words, would=would, recorded=recorded)
    elif one.row.decision == ImportRow.Decision.REPLACE:
        say(one.row, D.CORRECTED, one.row.decision_reason, would=would, recorded=recorded)
    elif any(_is_same(reading, was) for was in older):
        words = f"{would} was recorded before and was changed to {recorded} since. Keep {recorded}, or replace it."
        say(one.row, D.CONFLICTING, words, "value", would=would, recorded=recorded)
    elif one.is_correction or one.takes_back:
        say(one.row, D.CORRECTED, one.entry.reason or CORRECTED_WORDS, would=would, recorded=recorded)
    else:
        words = f"{recorded} is recorded for this sample. Keep it, or replace it and say why."
        say(one.row, D.CONFLICTING, words, "value", would=would, recorded=recorded)


def _is_same(reading: Reading, result: LabResult) -> bool:
    """The same result, however it is written: 27 g/L is 2.7 g/dL."""
    mine = (reading.value, reading.comparator, reading.coded, reading.missing)
    return mine == (result.value, result.comparator, result.coded, result.missing)


def result_words(reading: Reading) -> str:
    """The result in its canonical unit: <0.1 g/dL; or the word for what is missing."""
    if reading.missing:
        return MISSING_WORDS[MissingReason(reading.missing)].lower()
    if reading.value is None:
        return reading.coded
    unit = unit_words(TRIAL.analytes[reading.analyte].unit)
    return f"{reading.comparator}{plain(reading.value)} {unit}".strip()
