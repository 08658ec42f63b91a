"""Rows of the laboratory grid: what is stored, or what was just typed, beside what it is read against."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from labs.calculated import Calculated, Person, calculated
from labs.entries import MISSING_WORDS, NEEDS_A_REASON, Collection, Entry, Reading, split_missing
from labs.forms import GAP_REASONS, choices_of
from labs.models import LabResult, ReferenceRange
from labs.selectors import DuePanel, typical_range
from labs.selectors.background import WITH_NADIR, Background, measured_otherwise
from labs.words import CODED, range_words, unit_words
from protocol.derived import pct_change, round_half_up
from protocol.explain import plain
from protocol.schema import AnalyteSpec
from protocol.trial import TRIAL
from protocol.units import convert
from protocol.vocabulary import Analyte, MissingReason
from trialsite.models import Query

Row = dict[str, object]
#: Names too long for a row of the grid.
SHORT = {Analyte.HS_CRP: "hs-CRP"}
ASKING = " Is this what the report says?"


@dataclass(frozen=True)
class Sheet:
    """Everything that one rendering of the grid shows.

    typed: entries as they stand in the boxes. readings: of those entries, where they were judged. results: what is
    stored. questions: open automatic queries of stored results. limits: the laboratory's ranges. drawn: how each
    result was collected. laboratories: names by id. person: what the formulas need.
    """

    panels: tuple[DuePanel, ...]
    typed: Mapping[Analyte, Entry]
    results: Mapping[Analyte, LabResult]
    background: Background
    limits: Mapping[Analyte, ReferenceRange]
    sex: str
    history_url: str
    person: Person = field(default_factory=lambda: Person(0, ""))
    drawn: Mapping[Analyte, Collection] = field(default_factory=dict)
    laboratories: Mapping[str, str] = field(default_factory=dict)
    read_only: object = False
    readings: Mapping[Analyte, Reading] = field(default_factory=dict)
    questions: Mapping[Analyte, Query] = field(default_factory=dict)

    @property
    def values(self) -> dict[Analyte, Decimal]:
        """The value of each analyte in its canonical unit, as typed now or as stored."""
        stored = {a: r.value for a, r in self.results.items() if r.value is not None}
        judged = {a: r.value for a, r in self.readings.items() if r.value is not None}
        return {**stored, **judged} if not self.readings else judged


def entries_of(results: Mapping[Analyte, LabResult]) -> dict[Analyte, Entry]:
    """Stored results as they were typed."""
    return {a: Entry(r.typed, r.typed_unit, r.missing_reason) for a, r in results.items()}


def grid(sheet: Sheet) -> list[dict[str, object]]:
    """Groups of rows, one per panel; the first empty box takes the focus."""
    first = first_empty(sheet)
    values = sheet.values
    shown = {analyte for panel in sheet.panels for analyte in panel.analytes}
    computed = [one for one in calculated(values, sheet.person) if shown.issuperset(one.sources)]
    return [
        {
            "label": panel.label,
            "rows": [
                row
                for analyte in panel.analytes
                for row in _rows_at(sheet, analyte, values, computed, focus=analyte is first)
            ],
        }
        for panel in sheet.panels
    ]


def first_empty(sheet: Sheet) -> Analyte | None:
    """The first analyte without an answer."""
    asked = (analyte for panel in sheet.panels for analyte in panel.analytes if analyte in panel.awaited)
    return next((one for one in asked if one not in sheet.typed or not sheet.typed[one].typed.strip()), None)


def _rows_at(
    sheet: Sheet,
    analyte: Analyte,
    values: Mapping[Analyte, Decimal],
    computed: Iterable[Calculated],
    *,
    focus: object,
) -> Iterable[Row]:
    yield _row(sheet, analyte, values.get(analyte), focus=focus)
    for one in computed:
        if one.below is analyte:
            yield _computed_row(sheet, one, values)


def _row(sheet: Sheet, analyte: Analyte, value: Decimal | None, *, focus: object) -> Row:
    spec = TRIAL.analytes[analyte]
    entry = sheet.typed.get(analyte, Entry(""))
    missing, inline = split_missing(entry.typed)
    reading = sheet.readings.get(analyte)
    return {
        **_against(sheet, analyte, value),
        "key": analyte.value,
        "label": SHORT.get(analyte, spec.label),
        "name": analyte.value,
        "typed": entry.typed,
        "choices": _choices(spec.coded) if spec.coded else None,
        "read": CODED.get(entry.typed, entry.typed) if spec.coded else entry.typed,
        "unit_name": f"{analyte.value}-unit",
        "unit": entry.unit or (spec.unit if len(spec.units) > 1 else ""),
        "units": [(code, unit_words(code), _factor(analyte, code)) for code in spec.units]
        if len(spec.units) > 1
        else None,
        "unit_words": unit_words(entry.unit or spec.unit),
        "canonical_unit": spec.unit,
        "missing_words": _missing_words(missing, sheet, entry.reason or inline),
        "history_url": f"{sheet.history_url}#{analyte.value}" if analyte in sheet.results else "",
        "autofocus": focus,
        "read_only": sheet.read_only,
        "error": reading.problem if reading else "",
        "changed": "" if value is None else _measured_otherwise(sheet, analyte),
        "check": None if sheet.read_only else _check(sheet, analyte, entry, reading),
        "reason": None if sheet.read_only or spec.coded else _reason(analyte, entry, missing, inline),
    }


def _factor(analyte: Analyte, unit: str) -> str:
    """What the browser multiplies a number typed in this unit by; it only shows, the server converts."""
    return plain(round_half_up(convert(analyte, Decimal(1), unit), 12))


def _measured_otherwise(sheet: Sheet, analyte: Analyte) -> str:
    drawn = sheet.drawn.get(analyte)
    if drawn is None:
        return ""
    now = (str(drawn.laboratory_id or ""), drawn.method)
    return measured_otherwise(sheet.background.lowest.get(analyte), analyte, now, sheet.laboratories)


def _computed_row(sheet: Sheet, one: Calculated, values: Mapping[Analyte, Decimal]) -> Row:
    against = _against(sheet, one.analyte, one.value) if one.analyte else {"value": one.value, "flag": "n"}
    previous = sheet.background.previous.get(one.analyte) if one.analyte else None
    return {
        **against,
        "previous": plain(round_half_up(previous, one.places)) if previous is not None else "",
        "key": one.key,
        "label": one.label,
        "calculated": one,
        "figures": one.figures(values),
        "unit": one.unit,
        "typed": "" if one.value is None else f"{round_half_up(one.value, one.places)}",
        "unit_words": f"{unit_words(one.unit)} calculated".strip(),
        "autofocus": False,
    }


def _against(sheet: Sheet, analyte: Analyte, value: Decimal | None) -> Row:
    """The columns in which a value is read against limits, baseline, nadir and the visit before."""
    low, high, words = _limits(sheet, analyte)
    baseline = sheet.background.baseline.get(analyte)
    nadir = sheet.background.nadir.get(analyte) if analyte in WITH_NADIR else None
    previous = sheet.background.previous.get(analyte)
    return {
        "value": value,
        "low": low,
        "high": high,
        "reference": words,
        "flag": flag_of(value, low, high),
        "baseline": baseline,
        "nadir": nadir,
        "from_baseline": _change(baseline, value),
        "from_nadir": _change(nadir, value),
        "previous": plain(round_half_up(previous, 4)) if previous is not None else "",
    }


def _change(reference: Decimal | None, value: Decimal | None) -> Decimal | None:
    return None if reference is None or value is None else pct_change(reference, value)


def flag_of(value: Decimal | None, low: Decimal | None, high: Decimal | None) -> str:
    """h, l or n: above, below or within the limits of normal."""
    if value is None:
        return "n"
    if high is not None and value > high:
        return "h"
    return "l" if low is not None and value < low else "n"


def _limits(sheet: Sheet, analyte: Analyte) -> tuple[Decimal | None, Decimal | None, str]:
    """Limits as stored with the result, else those of the laboratory, else the protocol's typical ones."""
    stored = sheet.results.get(analyte)
    if stored is not None and (stored.reference_low is not None or stored.reference_high is not None):
        return stored.reference_low, stored.reference_high, range_words(stored.reference_low, stored.reference_high)
    own = sheet.limits.get(analyte)
    if own is not None:
        return own.low, own.high, range_words(own.low, own.high)
    typical = typical_range(analyte, sheet.sex)
    if typical is None or (typical.low is None and not typical.high):
        return None, None, ""
    return typical.low, typical.high, f"({range_words(typical.low, typical.high)})"


def _choices(codes: tuple[str, ...]) -> list[tuple[str, str]]:
    gaps = [(one.value.lower(), words) for one, words in MISSING_WORDS.items() if one.value not in codes]
    return [("", "Choose"), *((code, CODED[code]) for code in codes), *gaps]


def _missing_words(missing: MissingReason | None, sheet: Sheet, reason: str) -> str:
    """The gap in words; who enters data sees its reason in the row below."""
    if missing is None:
        return ""
    return f"{MISSING_WORDS[missing]}: {reason}" if reason and sheet.read_only else MISSING_WORDS[missing]


def _reason(analyte: Analyte, entry: Entry, missing: MissingReason | None, inline: str) -> Row:
    given = entry.reason or inline
    known = [*GAP_REASONS, *([given] if given and given not in GAP_REASONS else [])]
    return {
        "name": f"{analyte.value}-reason",
        "choices": choices_of(known),
        "value": given,
        "words": TRIAL.analytes[analyte].label,
        "shown": missing in NEEDS_A_REASON,
    }


def _check(sheet: Sheet, analyte: Analyte, entry: Entry, reading: Reading | None) -> Row | None:
    """What a soft finding asks, with the tick that answers it."""
    if reading is not None and reading.findings:
        words = " ".join(finding.message for finding in reading.findings)
        advice = next((one.suggestion for one in reading.findings if one.suggestion not in ("", ASKING.strip())), "")
    elif reading is None and analyte in sheet.questions:
        words, advice = sheet.questions[analyte].text.removesuffix(ASKING), ""
    else:
        return None
    spec = TRIAL.analytes[analyte]
    unit = unit_words(entry.unit or spec.unit)
    return {
        "words": _spoken(spec, words),
        "advice": _spoken(spec, advice) or "Check it against the report, then keep or correct it.",
        "name": f"{analyte.value}-ok",
        "confirm": f"{entry.typed} {unit}".strip() + " is what the report says",
        "ticked": entry.confirmed,
    }


def _spoken(spec: AnalyteSpec, words: str) -> str:
    """A sentence with units as they are read."""
    for code in spec.units:
        if unit_words(code):
            words = words.replace(f" {code}", f" {unit_words(code)}")
    return words
