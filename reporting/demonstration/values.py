"""Laboratory values of the demonstration trial: invented, plausible, the same at every load."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from protocol.derived import round_half_up
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte
from reporting.abstract import TABLE
from reporting.abstract_statements import M_LIMB
from reporting.demonstration.lives import DEEP, Life
from reporting.demonstration.troubles import odd_values

_A = Analyte
#: Typical value and the spread around it, as typed in the canonical unit; the number of decimals follows the value.
TYPICAL: dict[Analyte, tuple[str, str]] = {
    _A.WBC: ("5.6", "1.1"),
    _A.ANC: ("3.10", "0.60"),
    _A.HB: ("12.9", "0.6"),
    _A.PLT: ("228", "35"),
    _A.CREATININE: ("0.94", "0.12"),
    _A.CALCIUM: ("9.4", "0.3"),
    _A.ALBUMIN: ("3.9", "0.2"),
    _A.GLUCOSE: ("98", "12"),
    _A.FLC_LAMBDA: ("12.4", "2.1"),
}
NOT_PUBLISHED = "nd not published"
#: What the patients of the abstract must have beside what is printed, to be eligible; on their panels it is marked.
INVENTED = frozenset({_A.WBC, _A.ANC, _A.CREATININE})
SYNTHETIC = "Synthetic: eligibility needs it"
#: What nobody has: saved as typed, and asked about.
IMPLAUSIBLE = {_A.POTASSIUM: "12.4"}
MARROW_VISITS = (0, 6)


@dataclass(frozen=True)
class Draw:
    """One collection: the subject's life, its number in the trial and the study month (0 is screening)."""

    life: Life
    number: int
    month: int

    def chance(self, salt: str) -> random.Random:
        return random.Random(f"{self.number}:{self.month}:{salt}")  # noqa: S311  # not a secret: it must repeat


def panel(draw: Draw, asked: Collection[Analyte]) -> dict[Analyte, str]:
    """What the laboratories report for one visit, as typed, in canonical units: everything that is asked for.

    For the patients of the abstract what was not published is not done.
    """
    if draw.life.published:
        return dict.fromkeys(sorted(asked), NOT_PUBLISHED) | _published(draw)
    typed = {analyte: _ordinary(draw, analyte) for analyte in sorted(asked)}
    typed |= {analyte: _around(draw, analyte, *spread) for analyte, spread in TYPICAL.items()}
    typed[_A.SERUM_M] = m_spike(draw)
    typed[_A.IGG] = str(int(Decimal(typed[_A.SERUM_M]) * 1050 + 260))
    typed[_A.FLC_KAPPA] = _scaled(draw, Decimal("38.5"))
    typed[_A.HS_CRP] = _hs_crp(draw)
    if draw.life.course is DEEP:
        typed[_A.URINE_M] = "0"  # without urine a very good partial response cannot be told
    typed |= odd_values(draw.life, draw.number, draw.month)
    if draw.month in MARROW_VISITS:
        typed[_A.PCLI] = _pcli(draw)
    return typed


def _ordinary(draw: Draw, analyte: Analyte) -> str:
    """A value in the middle of the typical adult range; a negative test where the test is coded."""
    spec = TRIAL.analytes[analyte]
    if spec.coded:
        return "neg"
    limits = next((one for one in spec.reference if one.high is not None), None)
    high = limits.high if limits and limits.high else Decimal(4)
    low = limits.low if limits and limits.low is not None else high / 4
    share = Decimal(draw.chance(analyte.value).randint(42, 58)) / 100
    return str(round_half_up(low + (high - low) * share, spec.decimals))


def m_spike(draw: Draw) -> str:
    """The M-spike that the subject's course prescribes, to one decimal; below 1 g/dL to two."""
    value = Decimal(draw.life.base) * draw.life.percent(draw.month) / 100
    return str(value.quantize(Decimal("0.01") if value < 1 else Decimal("0.1"), ROUND_HALF_UP))


def marrow_percent(draw: Draw) -> str:
    """Marrow plasma cells in percent: enough for eligibility, falling with a deep response."""
    at_entry = 14 + draw.number % 17
    return str(max(4, at_entry * min(draw.life.percent(draw.month), 110) // 100))


def qualifies_by_marrow(draw: Draw) -> bool:
    """Whether the M-protein alone is too low to be eligible with."""
    return Decimal(draw.life.base) < M_LIMB


def _published(draw: Draw) -> dict[Analyte, str]:
    """The three printed values; beside them, at screening, only what eligibility asks for."""
    printed = {
        line.analyte: str(line.on_study if draw.month == 0 else line.six_months)
        for line in TABLE
        if line.patient == draw.life.published
    }
    if draw.month:
        return printed
    return printed | {analyte: _around(draw, analyte, *TYPICAL[analyte]) for analyte in sorted(INVENTED)}


def _around(draw: Draw, analyte: Analyte, typical: str, spread: str) -> str:
    centre, width = Decimal(typical), Decimal(spread)
    own = Decimal(random.Random(f"{draw.number}:{analyte}").randint(-70, 70)) / 100  # noqa: S311
    now = Decimal(draw.chance(analyte.value).randint(-30, 30)) / 100
    return str((centre + width * (own + now)).quantize(centre, ROUND_HALF_UP))


def _scaled(draw: Draw, base: Decimal) -> str:
    return str((base * draw.life.percent(draw.month) / 100).quantize(Decimal("0.1"), ROUND_HALF_UP))


def _hs_crp(draw: Draw) -> str:
    """hs-CRP falls with anakinra, in most subjects by half or more."""
    start = Decimal(60 + draw.number * 37 % 420) / 100
    left = Decimal(100 if draw.month == 0 else 25 + draw.number * 13 % 60) / 100
    return str((start * left).quantize(Decimal("0.01"), ROUND_HALF_UP))


def _pcli(draw: Draw) -> str:
    start = Decimal(draw.number * 7 % 13) / 10
    return str(start if draw.month == 0 else (start / 4).quantize(Decimal("0.1"), ROUND_HALF_UP))
