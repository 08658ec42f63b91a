"""From what was typed to what is understood: one reading per entry, with hard problems and soft findings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from labs.entries import MISSING_WORDS, NEEDS_A_REASON, Entry, Reading, split_missing
from protocol.checks import Finding, check_panel, check_value, read_value
from protocol.schema import AnalyteSpec
from protocol.trial import TRIAL
from protocol.units import convert
from protocol.vocabulary import Analyte, MissingReason, Severity

#: The column of the result table.
LONGEST_TYPED = 40
#: Which result a contradiction between two results is asked of.
ASKED_OF = {
    "ife_serum": Analyte.SERUM_M,
    "spike_without_band": Analyte.SERUM_M,
    "ife_urine": Analyte.URINE_M,
    "spike_above_protein": Analyte.SERUM_M,
    "urine_m_above_protein": Analyte.URINE_M,
    "anc_above_wbc": Analyte.ANC,
    "lymph_above_wbc": Analyte.LYMPH,
}
#: A comma before three digits parts thousands in one country and decimals in another.
_TWO_MEANINGS = re.compile(r"[<>]?\s*\d{1,3}(,\d{3})+\Z", re.ASCII)


def read_entries(
    entries: Mapping[Analyte, Entry],
    previous: Mapping[Analyte, Decimal],
    beside: Mapping[Analyte, Decimal | str],
) -> dict[Analyte, Reading]:
    """Every entry as understood.

    previous: the last value of each analyte in its canonical unit. beside: other results of the same visit that
    contradictions are looked for in.
    """
    readings = {analyte: read_entry(analyte, entry, previous.get(analyte)) for analyte, entry in entries.items()}
    return _with_contradictions(readings, beside)


def read_entry(analyte: Analyte, entry: Entry, previous: Decimal | None) -> Reading:
    """One entry as understood, with its findings."""
    typed = entry.typed.strip()
    if not typed:
        return Reading(analyte, entry)
    missing, inline = split_missing(typed)
    if missing is not None:
        return _read_gap(analyte, entry, missing, inline)
    return _read_result(analyte, entry, previous)


def _read_gap(analyte: Analyte, entry: Entry, missing: MissingReason, inline: str) -> Reading:
    reason = entry.reason.strip() or inline
    typed = replace(entry, typed=missing.value.lower())
    reading = Reading(analyte, typed, missing=missing.value, missing_reason=reason)
    if missing in NEEDS_A_REASON and not reason:
        label = TRIAL.analytes[analyte].label
        return replace(reading, problem=f"{label}: say why it is {MISSING_WORDS[missing].lower()}.")
    return reading


def _read_result(analyte: Analyte, entry: Entry, previous: Decimal | None) -> Reading:
    spec = TRIAL.analytes[analyte]
    typed, unit = entry.typed.strip(), entry.unit or spec.unit
    problem = _too_long(spec, typed) or _two_meanings(spec, typed)
    if problem:
        return Reading(analyte, entry, unit=unit, problem=problem)
    findings = check_value(analyte, typed, unit, TRIAL, previous)
    hard = [finding for finding in findings if finding.severity is Severity.HARD]
    understood, _ = read_value(spec, typed)
    if hard or understood is None:
        return Reading(analyte, entry, unit=unit, problem=" ".join(finding.message for finding in hard))
    value = None if understood.value is None else convert(analyte, understood.value, unit)
    return Reading(analyte, entry, unit, understood.comparator, value, understood.coded, findings=findings)


def _too_long(spec: AnalyteSpec, typed: str) -> str:
    return f"{spec.label}: at most {LONGEST_TYPED} characters are kept." if len(typed) > LONGEST_TYPED else ""


def _two_meanings(spec: AnalyteSpec, typed: str) -> str:
    if spec.coded or not _TWO_MEANINGS.match(typed):
        return ""
    return f"{spec.label}: {typed} can be read two ways. Type it without the comma, or with a decimal point."


def _with_contradictions(
    readings: dict[Analyte, Reading], beside: Mapping[Analyte, Decimal | str]
) -> dict[Analyte, Reading]:
    """Add the findings between results to the reading that each is asked of."""
    values: dict[Analyte, Decimal | str] = dict(beside)
    for analyte, reading in readings.items():
        if reading.value is not None or reading.coded:
            values[analyte] = reading.coded if reading.value is None else reading.value
    found: dict[Analyte, tuple[Finding, ...]] = {}
    for finding in check_panel(values):
        asked = ASKED_OF[finding.code]
        found[asked] = (*found.get(asked, ()), finding)
    return {
        analyte: replace(reading, findings=(*reading.findings, *found.get(analyte, ())))
        for analyte, reading in readings.items()
    }
