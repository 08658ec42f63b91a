"""Lab keys of a case file: the unit is in the key (serum_m_g_dl, urine_m_mg_24h, flc_kappa_mg_l, bm_pc_pct)."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

from protocol.measurements import DiseaseFinding, Measurement
from protocol.units import FACTORS, convert
from protocol.vocabulary import Analyte, Mde, MissingReason
from reporting.cases.reader import Malformed, Object, as_decimal, as_list, as_whole, member, said, truth

_ALIASES: Mapping[Analyte, tuple[str, ...]] = {
    Analyte.SERUM_IFE: ("sife",),
    Analyte.URINE_IFE: ("uife",),
    Analyte.HS_CRP: ("hscrp", "crp"),
    Analyte.CALCIUM: ("ca",),
    Analyte.CALCIUM_CORRECTED: ("corrected_calcium", "ca_corrected", "corrected_ca"),
    Analyte.ALBUMIN: ("alb",),
    Analyte.HB: ("hemoglobin", "haemoglobin", "hgb"),
    Analyte.CREATININE: ("creat", "cr"),
    Analyte.CRCL: ("creatinine_clearance", "crcl"),
    Analyte.CIRCULATING_PC: ("circ_pc", "circulating_plasma_cells"),
    Analyte.PLT: ("platelets",),
    Analyte.LYMPH: ("lymphocytes",),
    Analyte.BILIRUBIN: ("bili",),
    Analyte.GLUCOSE_FASTING: ("fasting_glucose",),
    Analyte.B2M: ("beta2_microglobulin",),
    Analyte.BM_PC: ("marrow_pc",),
    Analyte.BM_CLONAL: ("clonal",),
}
_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "g/dL": ("g_dl",),
    "g/L": ("g_l",),
    "mg/dL": ("mg_dl",),
    "mg/L": ("mg_l",),
    "mg/(24.h)": ("mg_24h",),
    "g/(24.h)": ("g_24h",),
    "umol/L": ("umol_l",),
    "mmol/L": ("mmol_l",),
    "10*9/L": ("10e9_l", "10_9_l", "1e9_l", "x10e9_l"),
    "10*3/uL": ("10e3_ul", "10_3_ul"),
    "/mm3": ("per_mm3", "mm3"),
    "/uL": ("per_ul", "ul"),
    "%": ("pct",),
    "mL/min": ("ml_min",),
    "U/L": ("u_l",),
    "ukat/L": ("ukat_l",),
    "ug/mL": ("ug_ml",),
    "pg/mL": ("pg_ml",),
    "ng/L": ("ng_l",),
    "mL": ("ml", "ml_24h"),
    "L": ("l",),
    "1": ("",),
    "": ("",),
}


def _keys() -> Iterator[tuple[str, tuple[Analyte, str]]]:
    for analyte, units in FACTORS.items():
        for stem in (analyte.value, *_ALIASES.get(analyte, ())):
            for unit in units:
                yield from ((f"{stem}_{suffix}".rstrip("_"), (analyte, unit)) for suffix in _SUFFIXES[unit])


#: Lab key -> analyte and unit.
KEYS: Mapping[str, tuple[Analyte, str]] = dict(_keys())
_SEEN = {
    "new_bone_lesion": "new_bone_lesion",
    "enlarged_bone_lesion": "enlarged_bone_lesion",
    "bone_lesion_enlarged": "enlarged_bone_lesion",
    "new_plasmacytoma": "new_plasmacytoma",
    "plasmacytoma": "plasmacytoma_present",
    "plasmacytoma_present": "plasmacytoma_present",
}
_MEASURED = {
    "plasmacytoma_spd": ("plasmacytoma_spd", Decimal(1)),
    "plasmacytoma_spd_mm2": ("plasmacytoma_spd", Decimal(1)),
    "plasmacytoma_spd_cm2": ("plasmacytoma_spd", Decimal(100)),
    "spd_mm2": ("plasmacytoma_spd", Decimal(1)),
    "spd_cm2": ("plasmacytoma_spd", Decimal(100)),
    "longest_diameter_mm": ("longest_diameter_mm", Decimal(1)),
    "longest_diameter_cm": ("longest_diameter_mm", Decimal(10)),
    "short_axis_mm": ("short_axis_mm", Decimal(1)),
    "short_axis_cm": ("short_axis_mm", Decimal(10)),
}
_COUNTED = {
    "plasmacytoma_count": "plasmacytoma_count",
    "mri_focal_lesions": "mri_focal_lesions",
    "focal_lesions_mri": "mri_focal_lesions",
}
_ATTRIBUTION = {"attributable": "attributed", "attributed": "attributed", "not_attributable": "not_attributed"}


def measurement(key: str, value: object, on: date, source: str, where: str) -> Measurement:
    """One lab value. null is not done. Raises Malformed for a key that is not in the laboratory table."""
    if key not in KEYS:
        raise Malformed(f"{where}: {key} is not a known lab key.")
    analyte, unit = KEYS[key]
    blank = Measurement(analyte, on, typed_unit=unit, source=f"{source}.{key}", visit=source)
    if value is None:
        return replace(blank, missing=MissingReason.ND)
    if not unit:
        return replace(blank, coded=_code(value, f"{where}: {key}"))
    comparator, number = _number(value, f"{where}: {key}")
    canonical = convert(analyte, number, unit)
    return replace(blank, value=canonical, comparator=comparator, typed_value=str(number))


def _code(value: object, where: str) -> str:
    if value not in ("neg", "pos", "ND"):
        raise Malformed(f"{where}: {said(value)} is neither neg nor pos.")
    return str(value)


def _number(value: object, where: str) -> tuple[str, Decimal]:
    comparator = value[0] if isinstance(value, str) and value[:1] in ("<", ">") else ""
    number = as_decimal(value[1:].strip() if comparator and isinstance(value, str) else value, where)
    if number < 0:
        raise Malformed(f"{where}: {said(value)} is below zero.")
    return comparator, number


def read_labs(
    labs: Object,
    on: date,
    source: str,
    where: str,
) -> tuple[tuple[Measurement, ...], DiseaseFinding | None]:
    """The labs of one assessment as measurements and, where imaging or attribution is given, a finding."""
    results = [_result(key, value, on, source, where) for key, value in labs.items() if _is_result(key)]
    if all(m.analyte is not Analyte.SERUM_M for m in results):
        results.append(Measurement(Analyte.SERUM_M, on, missing=MissingReason.ND, visit=source))
    return _with_limits(results, labs, where), _finding(labs, on, source, where)


def is_finding(key: str) -> bool:
    """Whether a key speaks of imaging, a plasmacytoma or attribution, not of a laboratory result."""
    return any(key in table for table in (_SEEN, _MEASURED, _COUNTED, _ATTRIBUTION))


def _is_result(key: str) -> bool:
    return not is_finding(key) and _limit_of(key) is None


def _result(key: str, value: object, on: date, source: str, where: str) -> Measurement:
    return measurement(key, value, on, source, where)


def _limit_of(key: str) -> tuple[str, Analyte, str] | None:
    """A key such as hb_lln_g_dl or hb_lln: limit, analyte and unit."""
    for limit in ("lln", "uln"):
        stem, found, rest = key.partition(f"_{limit}")
        if not found:
            continue
        full = f"{stem}{rest}"
        named = [k for k in KEYS if k == full or (not rest and k.startswith(f"{stem}_"))]
        if named:
            return limit, *KEYS[named[0]]
    return None


def _with_limits(results: list[Measurement], labs: Object, where: str) -> tuple[Measurement, ...]:
    for key, value in labs.items():
        limit = _limit_of(key)
        if limit is not None and value is not None:
            name, analyte, unit = limit
            bound = convert(analyte, as_decimal(value, f"{where}: {key}"), unit)
            results = [_limited(m, name, bound) if m.analyte is analyte else m for m in results]
    return tuple(results)


def _limited(m: Measurement, name: str, bound: Decimal) -> Measurement:
    return replace(m, lln=bound) if name == "lln" else replace(m, uln=bound)


def _finding(labs: Object, on: date, source: str, where: str) -> DiseaseFinding | None:
    return corrected_finding(None, labs, on, source, where) if any(is_finding(key) for key in labs) else None


def corrected_finding(
    current: DiseaseFinding | None, labs: Object, on: date, source: str, where: str
) -> DiseaseFinding:
    """A finding with the given items read anew; items that are not named stay as they are in `current`."""
    before = current or DiseaseFinding(on, source=f"{source}.finding", visit=source)
    given = {**_seen(labs, where), **_measures(labs, where), **_attributions(labs, where)}
    return replace(before, **given)  # type: ignore[arg-type]


def _seen(labs: Object, where: str) -> dict[str, object]:
    return {name: truth(labs[key], f"{where}: {key}") for key, name in _SEEN.items() if key in labs}


def _measures(labs: Object, where: str) -> dict[str, object]:
    sizes = {
        name: None if labs[key] is None else as_decimal(labs[key], f"{where}: {key}") * factor
        for key, (name, factor) in _MEASURED.items()
        if key in labs
    }
    counts = {
        name: None if labs[k] is None else as_whole(labs[k], f"{where}: {k}")
        for k, name in _COUNTED.items()
        if k in labs
    }
    return {**sizes, **counts}


def _attributions(labs: Object, where: str) -> dict[str, object]:
    return {
        name: frozenset(member(Mde, event, f"{where}: {key}") for event in as_list(labs[key] or [], f"{where}: {key}"))
        for key, name in _ATTRIBUTION.items()
        if key in labs
    }
