"""Values derived from other values. None stands for undefined or missing, never 0 (clinical specification 3)."""

from decimal import ROUND_HALF_UP, Decimal

HUNDRED = Decimal(100)
_ALBUMIN_NORMAL = Decimal("4.0")
_CALCIUM_PER_ALBUMIN = Decimal("0.8")
_LOINC_WEIGHTS = (2, 1)


def corrected_calcium(calcium_mg_dl: Decimal, albumin_g_dl: Decimal) -> Decimal:
    """Calcium corrected for albumin in mg/dL: Ca + 0.8 x (4.0 - albumin g/dL)."""
    return calcium_mg_dl + _CALCIUM_PER_ALBUMIN * (_ALBUMIN_NORMAL - albumin_g_dl)


def flc_ratio(kappa: Decimal, lambda_: Decimal) -> Decimal | None:
    """Kappa over lambda; None if lambda is 0."""
    return kappa / lambda_ if lambda_ else None


def dflc(involved: Decimal, uninvolved: Decimal) -> Decimal:
    """Involved minus uninvolved free light chain, at least 0, in mg/L."""
    return max(Decimal(0), involved - uninvolved)


def urine_m(total_mg_dl: Decimal, volume_ml: Decimal, percent: Decimal) -> Decimal:
    """Urine M-protein in mg/24 h from total protein, 24-hour volume and the M-spike's share of total protein."""
    return urine_m_of_share(per_day(total_mg_dl, volume_ml), percent)


def urine_m_of_share(total_mg_24h: Decimal, percent: Decimal) -> Decimal:
    """Urine M-protein in mg/24 h from the day's total protein and the M-spike's share of it."""
    return total_mg_24h * percent / HUNDRED


def per_day(mg_dl: Decimal, volume_ml: Decimal) -> Decimal:
    """What a 24-hour collection holds in mg, from its concentration and volume."""
    return mg_dl * volume_ml / HUNDRED


def cockcroft_gault(age: int, weight_kg: Decimal, creatinine_mg_dl: Decimal, sex: str) -> Decimal | None:
    """Creatinine clearance in mL/min; `sex` is F or M. None if creatinine is 0."""
    if not creatinine_mg_dl:
        return None
    clearance = (140 - age) * weight_kg / (72 * creatinine_mg_dl)
    return clearance * Decimal("0.85") if sex == "F" else clearance


def pct_change(baseline: Decimal, value: Decimal) -> Decimal | None:
    """Percent change from baseline; None if the baseline is 0: neither -100 nor infinity."""
    return (value - baseline) / baseline * HUNDRED if baseline else None


def reduction(baseline: Decimal, value: Decimal) -> Decimal | None:
    """Percent reduction from baseline; None if the baseline is 0."""
    return (baseline - value) / baseline * HUNDRED if baseline else None


def falls_by(baseline: Decimal, value: Decimal, percent: Decimal) -> bool:
    """At least `percent` below a baseline above 0. Compared without division, so that no digit is lost."""
    return baseline > 0 and (baseline - value) * HUNDRED >= percent * baseline


def fall_exceeds(baseline: Decimal, value: Decimal, percent: Decimal) -> bool | None:
    """Strictly more than `percent` below baseline (the hs-CRP split); None if the baseline is 0."""
    return (baseline - value) * HUNDRED > percent * baseline if baseline else None


def round_half_up(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


def loinc_is_valid(code: str) -> bool:
    """The check digit of a LOINC code (modulus 10, doubling from the right)."""
    number, dash, check = code.partition("-")
    if not dash or not (number.isascii() and number.isdigit() and check.isascii() and check.isdigit()):
        return False
    doubled = (int(digit) * _LOINC_WEIGHTS[place % 2] for place, digit in enumerate(reversed(number)))
    total = sum(product // 10 + product % 10 for product in doubled)
    return check == str(-total % 10)
