"""From signed JSON to sentences: the trace, the results and their links, as the page prints them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import reverse

from dosing.selectors.shown import basis_of
from labs.models import DiseaseAssessment, LabResult
from protocol.trial import TRIAL
from protocol.versions import slot_label
from protocol.vocabulary import Analyte, CriterionOutcome
from trialsite.models import Subject
from trialsite.templatetags.edc import MINUS, change

Parts = list[str | tuple[str, str]]

#: Rule id -> name of what was tested, as it stands in the first column.
TESTED: Mapping[str, str] = {
    "R-PD-S": "Progressive disease, serum",
    "R-PD-U": "Progressive disease, urine",
    "R-PD-F": "Progressive disease, light chains",
    "R-PD-BM": "Progressive disease, marrow",
    "R-PD-LES": "Progressive disease, imaging",
    "R-PD-CIRC": "Progressive disease, circulating cells",
    "R-PD-CA": "Progressive disease, calcium",
    "R-CR": "Complete response",
    "R-SCR": "Stringent complete response",
    "R-VGPR": "Very good partial response",
    "R-PR": "Partial response",
    "R-MR": "Minimal response",
    "R-SD": "Stable disease",
    "R-NE": "Not evaluable",
    "R-DOWN": "Missing datum",
    "R-LOWEST": "Lowest component",
    "R-MDE-C": "Active myeloma, calcium",
    "R-MDE-R": "Active myeloma, kidney",
    "R-MDE-A": "Active myeloma, anemia",
    "R-MDE-B": "Active myeloma, bone",
    "R-MDE-S": "Active myeloma, marrow",
    "R-MDE-LI": "Active myeloma, light chains",
    "R-MDE-M": "Active myeloma, focal lesions",
}
#: What the rules call a datum -> how a reader calls it.
DATA: Mapping[str, str] = {
    "sife": "serum immunofixation",
    "uife": "urine immunofixation",
    "serum_m_g_dl": "serum M-spike",
    "urine_m_mg_24h": "urine M-protein",
    "bm_pc_pct": "marrow plasma cells",
    "flc_ratio": "light chain ratio",
    "bm_clonal": "clonality of marrow plasma cells",
    "plasmacytoma_spd": "plasmacytoma",
}
#: The same data as conditions of a complete response.
CONDITIONS: Mapping[str, str] = {
    "sife": "serum immunofixation negative",
    "uife": "urine immunofixation negative",
    "serum_m_g_dl": "no M-spike",
    "urine_m_mg_24h": "no urine M-protein",
    "bm_pc_pct": "marrow below 5%",
    "flc_ratio": "light chain ratio normal",
    "bm_clonal": "no clonal plasma cells",
    "plasmacytoma_spd": "no plasmacytoma",
}
_CONDITION = re.compile(r"\b(" + "|".join(CONDITIONS) + r")(?=: )")
_NO_LIMIT = ": no limit"
#: What a result says in a code of the rules -> in words.
CODES: Mapping[str, str] = {"neg": "negative", "pos": "positive", "True": "yes", "False": "no"}
_UNITS = {"mg/(24.h)": "mg/24 h", "umol/L": "µmol/L", "/uL": "/µL", "10*9/L": "10⁹/L", "mm2": "mm²"}
_MINUS_SIGN = re.compile(r"(?<![\w.])-(?=\d)")


@dataclass(frozen=True)
class Tested:
    """One row of the trace."""

    name: str
    rule: str
    figures: Parts
    outcome: str


@dataclass(frozen=True)
class UsedRow:
    """One row of the results used; each figure leads to its source record."""

    label: str
    baseline: Parts
    nadir: Parts
    current: Parts
    from_baseline: str
    from_nadir: str


def readable(text: str) -> str:
    """Percent signs without a space, true minus signs, names in words."""
    text = _CONDITION.sub(lambda found: CONDITIONS[found[1]], text)
    return units_in_words(_MINUS_SIGN.sub(MINUS, text).replace(" %", "%"))


def units_in_words(text: str) -> str:
    """Units as a reader writes them, not as files do."""
    for code, words in _UNITS.items():
        text = text.replace(code, words)
    return text


def datum(name: str) -> str:
    """A missing datum in words."""
    return DATA.get(name, name.replace("_", " "))


def source_urls(subject: Subject, content: Mapping[str, Any]) -> dict[str, str]:
    """Address of every source record that the content names; two queries."""
    found = [source.partition(":") for source in basis_of(content)]
    ids = {kind: [int(pk) for name, _, pk in found if name == kind] for kind, _, _ in found}
    results = LabResult.objects.filter(pk__in=ids.get("lab_result", [])).values_list(
        "pk", "specimen__visit__code", "analyte"
    )
    forms = DiseaseAssessment.objects.filter(pk__in=ids.get("disease_assessment", [])).values_list("pk", "visit__code")
    urls = {
        f"lab_result:{pk}": reverse("visit_labs", kwargs={"key": subject.key, "code": code}) + f"#v_{analyte}"
        for pk, code, analyte in results
    }
    urls |= {
        f"disease_assessment:{pk}": reverse("visit_disease", kwargs={"key": subject.key, "code": code})
        for pk, code in forms
    }
    return urls


@dataclass(frozen=True)
class Trace:
    """Every criterion in test order: the categories, then what stays folded below them."""

    categories: list[Tested]
    events: list[Tested]
    beside: list[Tested]


def trace_of(content: Mapping[str, Any], urls: Mapping[str, str]) -> Trace:
    """The trace of a time point.

    Folded away: myeloma-defining events that are not met, and criteria that do not apply or set no limit here.
    """
    tests = content["point"]["tests"] if content["point"] else []
    rows: dict[str, list[Tested]] = {"categories": [], "events": [], "beside": []}
    for test in tests:
        rows[_place(test)].append(_tested(test, urls))
    return Trace(**rows)


def _place(test: Mapping[str, Any]) -> str:
    if test["outcome"] == CriterionOutcome.NOT_APPLICABLE.value or test["words"].endswith(_NO_LIMIT):
        return "beside"
    is_event = test["rule"].startswith("R-MDE") and test["outcome"] != CriterionOutcome.MET.value
    return "events" if is_event else "categories"


def _tested(test: Mapping[str, Any], urls: Mapping[str, str]) -> Tested:
    outcome = str(test["outcome"]).lower()
    if test["rule"] == "R-SD":
        return Tested(TESTED["R-SD"], "None of the above", ["No other category met"], outcome)
    return Tested(
        name=TESTED.get(test["rule"], test["rule"]),
        rule=readable(test["words"]),
        figures=_linked_figures(test["figures"], test["inputs"], urls),
        outcome="not_reached" if outcome == "not_applicable" else outcome,
    )


def _linked_figures(figures: str, inputs: Iterable[Mapping[str, str]], urls: Mapping[str, str]) -> Parts:
    """The sentence with each figure linked where it stands; what does not stand in it follows in brackets."""
    parts: Parts = []
    extra: Parts = []
    rest = figures
    for one in inputs:
        url = urls.get(one["source"], "")
        match = re.search(rf"(?<![\d.]){re.escape(one['value'])}(?![\d.]*\d)", rest) if one["value"] else None
        if match is None:
            extra += [", " if extra else " (", (_input_words(one), url)]
            continue
        parts += [readable(rest[: match.start()]), (one["value"], url)]
        rest = rest[match.end() :]
    return [part for part in (*parts, readable(rest), *extra, ")" if extra else "") if part]


def _input_words(one: Mapping[str, str]) -> str:
    analyte = next((item for item in Analyte if item.value == one["name"]), None)
    name = TRIAL.analytes[analyte].short if analyte else one["name"].replace("_", " ")
    value = CODES.get(one["value"], one["value"])
    return units_in_words(f"{name} {value} {one['unit']}".strip())


def used_rows(used: Iterable[Mapping[str, Any]], urls: Mapping[str, str]) -> list[UsedRow]:
    """Results with baseline, nadir and present value; changes with one decimal and a true minus."""
    return [
        UsedRow(
            label=units_in_words(row["label"]),
            baseline=_figure(row["baseline"], urls),
            nadir=[*_figure(row["nadir"], urls), _visit(row["nadir"])],
            current=_figure(row["current"], urls),
            from_baseline=_change(row, "from_baseline", "baseline"),
            from_nadir=_change(row, "from_nadir", "nadir"),
        )
        for row in used
    ]


def _figure(figure: Mapping[str, str] | None, urls: Mapping[str, str]) -> Parts:
    return [(figure["value"], urls.get(figure["source"], ""))] if figure else ["—"]


def _visit(figure: Mapping[str, str] | None) -> str:
    return f" ({short_visit(figure['visit'])})" if figure and figure["visit"] else ""


def _change(row: Mapping[str, Any], name: str, reference: str) -> str:
    if row["current"] is None or row[reference] is None:
        return "—"
    return change(None if row[name] is None else Decimal(row[name]))


def short_visit(code: str) -> str:
    """M6, baseline, unscheduled 1."""
    if code.startswith("uns"):
        return f"unscheduled {code[3:]}"
    if code in {"scr", "bl"}:
        return "baseline"
    return f"M{int(code[1:])}" if code[:1] == "m" and code[1:].isdigit() else code


def visit_words(code: str) -> str:
    """Month 6, Unscheduled 1, End of phase."""
    if code.startswith("uns"):
        return f"Unscheduled visit {code[3:]}"
    words = slot_label(code)
    return "End of phase" if words == code else words
