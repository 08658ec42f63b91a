"""Unit conversion: the only place where a factor lives.

A factor is a pair (multiply, divide) so that 88.40 can divide exactly as the source prints it. Sources: clinical
specification section 3; molar masses, never the rounded factors of public tables.
"""

from collections.abc import Mapping
from decimal import Decimal

from protocol.coding import UCUM
from protocol.vocabulary import Analyte

Factor = tuple[Decimal, Decimal]
ONE = Decimal(1)


class UnknownUnit(ValueError):
    """The unit is not accepted for the analyte (wrong dimension or not in the table)."""


def _times(factor: str) -> Factor:
    return (Decimal(factor), ONE)


def _divided(divisor: str) -> Factor:
    return (ONE, Decimal(divisor))


_G_PER_L = {"g/dL": _times("1"), "g/L": _times("0.1")}
_DAY_MASS = {"mg/(24.h)": _times("1"), "g/(24.h)": _times("1000")}
_IG = {"mg/dL": _times("1"), "g/L": _times("100")}
_MG_PER_L = {"mg/L": _times("1"), "mg/dL": _times("10")}
_CELLS = {"10*9/L": _times("1"), "10*3/uL": _times("1"), "/mm3": _times("0.001")}
_ENZYME = {"U/L": _times("1"), "ukat/L": _times("60")}
_GLUCOSE = {"mg/dL": _times("1"), "mmol/L": _times("18.016")}
_CALCIUM = {"mg/dL": _times("1"), "mmol/L": _times("4.008")}
_PERCENT = {"%": _times("1")}
_PURE = {"1": _times("1")}
_NONE: dict[str, Factor] = {"": _times("1")}
_MMOL = {"mmol/L": _times("1")}

#: Factor from each accepted unit to the canonical unit, which is the first key of each row.
FACTORS: Mapping[Analyte, Mapping[str, Factor]] = {
    Analyte.SERUM_M: _G_PER_L,
    Analyte.SPEP_TEXT: _NONE,
    Analyte.SERUM_IFE: _NONE,
    Analyte.TOTAL_PROTEIN: _G_PER_L,
    Analyte.URINE_PROTEIN: _DAY_MASS,
    Analyte.URINE_VOLUME: {"mL": _times("1"), "L": _times("1000")},
    Analyte.URINE_M: _DAY_MASS,
    Analyte.URINE_M_SHARE: _PERCENT,
    Analyte.URINE_M_CONC: {"mg/dL": _times("1"), "mg/L": _times("0.1"), "g/L": _times("100")},
    Analyte.URINE_IFE: _NONE,
    Analyte.IGG: _IG,
    Analyte.IGA: _IG,
    Analyte.IGM: _IG,
    Analyte.FLC_KAPPA: _MG_PER_L,
    Analyte.FLC_LAMBDA: _MG_PER_L,
    Analyte.FLC_RATIO: _PURE,
    Analyte.HS_CRP: _MG_PER_L,
    Analyte.PCLI: _PERCENT,
    Analyte.BM_PC: _PERCENT,
    Analyte.BM_CLONAL: _NONE,
    Analyte.CIRCULATING_PC: {"/uL": _times("1"), "10*9/L": _times("1000")},
    Analyte.IL6: {"pg/mL": _times("1"), "ng/L": _times("1")},
    Analyte.IL1: _PURE,
    Analyte.WBC: _CELLS,
    Analyte.ANC: _CELLS,
    Analyte.LYMPH: _CELLS,
    Analyte.MONO: _CELLS,
    Analyte.EOS: _CELLS,
    Analyte.BASO: _CELLS,
    Analyte.HB: {**_G_PER_L, "mmol/L": _times("1.611")},
    Analyte.HCT: _PERCENT,
    Analyte.PLT: _CELLS,
    Analyte.CREATININE: {"mg/dL": _times("1"), "umol/L": _divided("88.40")},
    Analyte.CRCL: {"mL/min": _times("1")},
    Analyte.CALCIUM: _CALCIUM,
    Analyte.CALCIUM_CORRECTED: _CALCIUM,
    Analyte.CALCIUM_IONIZED: _MMOL,
    Analyte.ALBUMIN: _G_PER_L,
    Analyte.AST: _ENZYME,
    Analyte.ALT: _ENZYME,
    Analyte.ALP: _ENZYME,
    Analyte.GGT: _ENZYME,
    Analyte.BILIRUBIN: {"mg/dL": _times("1"), "umol/L": _divided("17.10")},
    Analyte.LDH: _ENZYME,
    Analyte.B2M: {"mg/L": _times("1"), "ug/mL": _times("1")},
    Analyte.GLUCOSE: _GLUCOSE,
    Analyte.GLUCOSE_FASTING: _GLUCOSE,
    Analyte.SODIUM: _MMOL,
    Analyte.POTASSIUM: _MMOL,
    Analyte.URATE: {"mg/dL": _times("1"), "umol/L": _divided("59.48")},
    Analyte.BUN: {"mg/dL": _times("1"), "mmol/L": _times("2.801")},
    Analyte.PHOSPHATE: {"mg/dL": _times("1"), "mmol/L": _times("3.097")},
    Analyte.HCG_SERUM: _NONE,
    Analyte.HCG_URINE: _NONE,
    Analyte.ECOG: _PURE,
}


def accepted_units(analyte: Analyte) -> tuple[str, ...]:
    """Every unit code accepted for an analyte, the canonical one first."""
    return tuple(FACTORS[analyte])


def canonical_unit(analyte: Analyte) -> str:
    return accepted_units(analyte)[0]


def convert(analyte: Analyte, value: Decimal, from_unit: str) -> Decimal:
    """`value` in the canonical unit of the analyte. Raises UnknownUnit."""
    multiply, divide = _factor(analyte, from_unit)
    return value * multiply / divide


def convert_between(analyte: Analyte, value: Decimal, from_unit: str, to_unit: str) -> Decimal:
    """`value` moved from one accepted unit of the analyte to another. Raises UnknownUnit."""
    multiply, divide = _factor(analyte, to_unit)
    return convert(analyte, value, from_unit) * divide / multiply


def _factor(analyte: Analyte, unit: str) -> Factor:
    try:
        return FACTORS[analyte][unit]
    except KeyError:
        accepted = ", ".join(accepted_units(analyte)) or "no unit"
        raise UnknownUnit(f"{unit or 'no unit'} is not a unit of {analyte.value}; accepted: {accepted}.") from None


#: How laboratories write units -> the code. Exact words only: a unit that is not here is asked about, never guessed.
ALIASES: Mapping[str, str] = {
    **dict.fromkeys(("g/dl", "gm/dL", "gm/dl", "G/DL"), "g/dL"),
    **dict.fromkeys(("g/l", "gm/L"), "g/L"),
    **dict.fromkeys(("mg/dl", "MG/DL"), "mg/dL"),
    **dict.fromkeys(("mg/l", "MG/L"), "mg/L"),
    **dict.fromkeys(("mg/24 h", "mg/24h", "mg/24 hr", "mg/24hr", "mg/d", "mg/day"), "mg/(24.h)"),
    **dict.fromkeys(("g/24 h", "g/24h", "g/24 hr", "g/24hr", "g/d", "g/day"), "g/(24.h)"),
    **dict.fromkeys(("ml", "ML"), "mL"),
    **dict.fromkeys(("l",), "L"),
    **dict.fromkeys(("10^9/L", "x10^9/L", "x10*9/L", "10E9/L", "10e9/L", "x10E9/L", "×10⁹/L", "10⁹/L"), "10*9/L"),
    **dict.fromkeys(("10^3/uL", "x10^3/uL", "10E3/uL", "x10E3/uL", "K/uL", "K/µL", "10^3/µL", "×10³/µL"), "10*3/uL"),
    **dict.fromkeys(("cells/mm3", "/mm³", "/mm^3"), "/mm3"),
    **dict.fromkeys(("umol/l", "µmol/L", "μmol/L", "µmol/l", "μmol/l"), "umol/L"),
    **dict.fromkeys(("mmol/l", "MMOL/L"), "mmol/L"),
    **dict.fromkeys(("U/l", "u/L", "IU/L"), "U/L"),
    **dict.fromkeys(("µkat/L", "μkat/L", "ukat/l", "µkat/l", "μkat/l"), "ukat/L"),
    **dict.fromkeys(("ug/ml", "µg/mL", "μg/mL", "mcg/mL"), "ug/mL"),
    **dict.fromkeys(("pg/ml",), "pg/mL"),
    **dict.fromkeys(("ng/l",), "ng/L"),
    **dict.fromkeys(("ml/min",), "mL/min"),
}
#: Analytes that need no word: a ratio, and what is answered in words.
_WORDLESS = (("1",), ("",))


def unit_code(analyte: Analyte, written: str) -> str:
    """The code of a unit as a laboratory wrote it. Raises UnknownUnit where it is not surely one of the analyte's."""
    words = written.strip()
    accepted = accepted_units(analyte)
    code = ALIASES.get(words) or UCUM.get(words, words)
    if code in accepted:
        return code
    if not words and accepted in _WORDLESS:
        return accepted[0]
    raise UnknownUnit(f"{words or 'no unit'} is not a unit of {analyte.value}; accepted: {', '.join(accepted)}.")
