"""Vectors: one input, one expected value. Each kind is a function from a row to what was computed."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from protocol import derived as d
from protocol import endpoints as e
from protocol.confirmation import Reported, confirm
from protocol.months import add_months
from protocol.schema import Protocol
from protocol.toxicity import UnknownTerm, allowed_grades, grade, grades_exist
from protocol.units import UnknownUnit, convert_between
from protocol.vocabulary import Analyte, CtcaeVersion, Response
from reporting.cases.reader import (
    Malformed,
    Object,
    as_day,
    as_list,
    as_object,
    decimal,
    member,
    need,
    optional_day,
    optional_decimal,
    part,
    text,
    truth,
    whole,
)

Computed = dict[str, object]
LARGEST_SAMPLE = 1000
_ANALYTES = {
    "hscrp": Analyte.HS_CRP,
    "hemoglobin": Analyte.HB,
    "haemoglobin": Analyte.HB,
    "ca": Analyte.CALCIUM,
    "creat": Analyte.CREATININE,
    "platelets": Analyte.PLT,
}


def ctcae_grade(row: Object, trial: Protocol, where: str) -> Computed:
    try:
        suggestion = grade(
            text(row, "term", where),
            member(CtcaeVersion, row.get("version") or trial.config.ctcae_version, f"{where}: version"),
            decimal(row, "value", where),
            optional_decimal(row, "lln", where),
            optional_decimal(row, "uln", where),
            optional_decimal(row, "baseline", where),
            str(row.get("baseline_flag") or ""),
            str(row.get("unit") or ""),
        )
    except UnknownTerm:
        return {"expected_grade": "no such laboratory term"}
    return {"expected_grade": suggestion.grade}


def unit_conversion(row: Object, trial: Protocol, where: str) -> Computed:
    name = text(row, "analyte", where)
    analyte = _ANALYTES.get(name) or member(Analyte, name, f"{where}: analyte")
    try:
        value = convert_between(
            analyte, decimal(row, "value", where), text(row, "from_unit", where), text(row, "to_unit", where)
        )
    except UnknownUnit as problem:
        raise Malformed(f"{where}: {problem}") from None
    return {"expected": value}


def derived_value(row: Object, trial: Protocol, where: str) -> Computed:
    name = text(row, "name", where)
    inputs = as_object(need(row, "inputs", where), f"{where}: inputs")
    rule = _DERIVED.get(name) or _derived_by_ending(name)
    if rule is None:
        raise Malformed(f"{where}: {name!r} is not a derived value of the protocol.")
    if any(value is None for value in inputs.values()):
        return {"expected": None}
    return {"expected": rule(inputs, f"{where} {name}")}


Rule = Callable[[Object, str], Decimal | bool | None]


def _derived_by_ending(name: str) -> Rule | None:
    if name.endswith("_pct_change"):
        return lambda i, w: d.pct_change(decimal(i, "baseline", w), decimal(i, "value", w))
    _, found, rest = name.partition("_fall_over_")
    if found and rest.removesuffix("_pct").isdigit():
        limit = Decimal(rest.removesuffix("_pct"))
        return lambda i, w: d.fall_exceeds(decimal(i, "baseline", w), decimal(i, "value", w), limit)
    return None


def _dflc(inputs: Object, where: str) -> Decimal:
    kappa, lam = decimal(inputs, "kappa_mg_l", where), decimal(inputs, "lambda_mg_l", where)
    return d.dflc(lam, kappa) if inputs.get("involved") == "lambda" else d.dflc(kappa, lam)


_DERIVED: Mapping[str, Rule] = {
    "corrected_calcium_mg_dl": lambda i, w: d.corrected_calcium(decimal(i, "ca_mg_dl", w), decimal(i, "alb_g_dl", w)),
    "flc_ratio": lambda i, w: d.flc_ratio(decimal(i, "kappa_mg_l", w), decimal(i, "lambda_mg_l", w)),
    "dflc_mg_l": _dflc,
    "urine_m_mg_24h": lambda i, w: d.urine_m(
        decimal(i, "total_protein_mg_dl", w), decimal(i, "volume_ml_24h", w), decimal(i, "m_spike_pct_of_total", w)
    ),
    "cockcroft_gault_ml_min": lambda i, w: d.cockcroft_gault(
        whole(i, "age", w), decimal(i, "weight_kg", w), decimal(i, "creatinine_mg_dl", w), text(i, "sex", w)
    ),
    "loinc_check_digit": lambda i, w: d.loinc_is_valid(text(i, "code", w)),
}


def endpoint(row: Object, trial: Protocol, where: str) -> Computed:
    inputs = as_object(need(row, "inputs", where), f"{where}: inputs")
    if "start" not in inputs:
        days = whole(inputs, "days", where)
        return {
            "expected": {"months_30": e.months(days, Decimal(30)), "months_30_4375": e.months(days, Decimal("30.4375"))}
        }
    dates = _dates(inputs, where)
    milestone = dates.milestone or add_months(dates.start, 6, trial.config.month_convention)
    return {
        "expected": {
            "pfs": _event(e.pfs(dates)),
            "ttp": _event(e.ttp(dates)),
            "ttp_active_mm": _event(e.ttp_active_mm(dates)),
            "dor": _event(e.dor(dates)),
            "dor_minimal": _event(e.dor_minimal(dates)),
            "benefit": _event(e.benefit(dates)),
            "pfs6": e.pfs6(dates, milestone),
        }
    }


def _dates(inputs: Object, where: str) -> e.Dates:
    start = as_day(need(inputs, "start", where), f"{where}: start")

    def first(*names: str) -> date | None:
        return next((on for name in names if (on := optional_day(inputs, name, where)) is not None), None)

    return e.Dates(
        start=start,
        pd_first=first("pd_first"),
        pd_confirmed_on=first("pd_confirmed_on"),
        active_mm=first("active_mm", "active_mm_on"),
        last_assessment=first("last_assessment"),
        death=first("death"),
        death_due_to_myeloma=bool(truth(inputs.get("death_due_to_myeloma"), where)),
        new_therapy=first("new_therapy"),
        last_assessment_before_new_therapy=first("last_assessment_before_new_therapy"),
        first_confirmed_response=first("first_confirmed_response"),
        first_confirmed_minimal_response=first("first_confirmed_minimal_response", "first_confirmed_response"),
        is_stable_or_better=bool(truth(inputs.get("is_stable_or_better"), where)),
        milestone=first("milestone"),
    )


def _event(event: e.EventTime | None) -> list[object] | None:
    return None if event is None else [event.status, event.on.isoformat(), event.days]


def binomial_interval(row: Object, trial: Protocol, where: str) -> Computed:
    x, n = whole(row, "x", where), whole(row, "n", where)
    if n > LARGEST_SAMPLE:
        raise Malformed(f"{where}: n is above {LARGEST_SAMPLE}.")
    try:
        low, high = e.exact_interval(x, n)
    except ValueError as problem:
        raise Malformed(f"{where}: {problem}") from None
    return {"proportion_pct": Decimal(x) / Decimal(n) * 100, "lower_pct": low, "upper_pct": high}


def term_grades(terms: Object) -> Computed:
    """The grades that exist for each term; None for a term that is not in the list."""
    return {term: list(allowed_grades(term)) if grades_exist(term) else None for term in terms}


def seed_row(row: Object, trial: Protocol, where: str) -> Computed:
    """One line of the abstract's table: the true change beside the printed one."""
    change = d.pct_change(decimal(row, "on_study", where), decimal(row, "six_month", where))
    if change is None:
        return {"true_pct_change": None, "rounded_half_up": None, "truncated": None, "publication_used": None}
    rounded = change.quantize(Decimal(1), rounding=ROUND_HALF_UP)
    truncated = change.quantize(Decimal(1), rounding=ROUND_DOWN)
    published = optional_decimal(row, "published_pct_change", where)
    return {
        "true_pct_change": d.round_half_up(change, 3),
        "rounded_half_up": rounded,
        "truncated": truncated,
        "publication_used": _agreement(change, published, rounded, truncated),
    }


def _agreement(change: Decimal, published: Decimal | None, rounded: Decimal, truncated: Decimal) -> str | None:
    if published is None:
        return None
    matches = {
        "exact": change == published,
        "rounded=truncated": rounded == truncated == published,
        "rounded": rounded == published,
        "truncated": truncated == published,
    }
    return next((name for name, holds in matches.items() if holds), "neither")


def confirmation(row: Object, trial: Protocol, where: str) -> Computed:
    """A sequence of reported responses and what stands confirmed, in the order of the file."""
    days = [as_day(on, f"{where}: dates") for on in as_list(need(row, "dates", where), f"{where}: dates")]
    said = [
        member(Response, r, f"{where}: reported") for r in as_list(need(row, "reported", where), f"{where}: reported")
    ]
    if len(days) != len(said):
        raise Malformed(f"{where}: dates and reported differ in length.")
    evidence = part(row, "pd_evidence_by_index", where)
    order = sorted(range(len(days)), key=days.__getitem__)
    sequence = [_reported(days[i], said[i], evidence.get(str(i)), where) for i in order]
    status = confirm(
        sequence,
        optional_day(row, "new_anticancer_therapy", where),
        trial.config.confirmation_min_days,
        skip_ne=trial.config.confirmation_skip_ne,
    )
    by_index = dict(zip(order, status, strict=True))
    return {"confirmed": [by_index[i].value for i in range(len(days))]}


def _reported(on: date, response: Response, evidence: object, where: str) -> Reported:
    kinds = {str(kind) for kind in as_list(evidence or [], f"{where}: pd_evidence_by_index")}
    return Reported(on, response, bool(kinds & {"imaging", "marrow"}), "death_due_to_pd" in kinds)
