"""Values that follow from other results of a page, each with its formula, its figures and its rule. Nothing is stored.

The grid shows them while figures are typed; the server makes them anew from what is recorded and is the only authority.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from protocol.derived import (
    cockcroft_gault,
    corrected_calcium,
    dflc,
    flc_ratio,
    per_day,
    round_half_up,
    urine_m_of_share,
)
from protocol.explain import plain
from protocol.vocabulary import Analyte

Values = Mapping[Analyte, Decimal]
#: Limits of the free light chain ratio outside which one chain is involved (clinical specification 2.1, R-MEAS).
RATIO_LOW, RATIO_HIGH = Decimal("0.26"), Decimal("1.65")
_FEMALE = Decimal("0.85")


@dataclass(frozen=True)
class Person:
    """What the formulas need of a subject. age: the year of the sample less the year of birth, so it may be one high.

    baseline_ratio: of free light chains before the first dose, which fixes the involved chain.
    """

    age: int
    sex: str
    weight_kg: Decimal | None = None
    baseline_ratio: Decimal | None = None


@dataclass(frozen=True)
class Calculated:
    """One calculated row. below: the analyte under which it stands. sources: analytes by the letter in `formula`.

    formula: "{a} ÷ {b}", for the browser; figures: the same with this page's values. constant: a number of the
    subject's that the formula begins with. value: None while a source is missing or the formula is not defined.
    """

    key: str
    label: str
    unit: str
    below: Analyte
    kind: str
    sources: tuple[Analyte, ...]
    formula: str
    rule: str
    value: Decimal | None = None
    places: int = 2
    constant: Decimal | None = None
    analyte: Analyte | None = None

    def figures(self, values: Values) -> str:
        """The formula with the values of the page; empty while one is missing."""
        found = {letter: values.get(one) for letter, one in zip("ab", self.sources, strict=False)}
        known = {letter: plain(round_half_up(value, 4)) for letter, value in found.items() if value is not None}
        return self.formula.format(**known) if len(known) == len(self.sources) else ""


def calculated(values: Values, person: Person) -> tuple[Calculated, ...]:
    """Every calculated value, those that cannot be made yet without a value."""
    return (
        _ratio(values), *_difference(values, person), _calcium(values), *_clearance(values, person), *_urine(values),
    )  # fmt: skip


def _both(values: Values, one: Analyte, other: Analyte) -> tuple[Decimal, Decimal] | None:
    first, second = values.get(one), values.get(other)
    return None if first is None or second is None else (first, second)


def _ratio(values: Values) -> Calculated:
    pair = _both(values, Analyte.FLC_KAPPA, Analyte.FLC_LAMBDA)
    return Calculated(
        key="flc_ratio", label="Free light chain ratio", unit="1", below=Analyte.FLC_LAMBDA, kind="ratio",
        sources=(Analyte.FLC_KAPPA, Analyte.FLC_LAMBDA), formula="{a} ÷ {b}",
        rule="kappa ÷ lambda, in mg/L", value=flc_ratio(*pair) if pair else None, analyte=Analyte.FLC_RATIO,
    )  # fmt: skip


def _difference(values: Values, person: Person) -> tuple[Calculated, ...]:
    """dFLC, where baseline or, before there is one, this sample shows which chain is involved."""
    pair = _both(values, Analyte.FLC_KAPPA, Analyte.FLC_LAMBDA)
    ratio = person.baseline_ratio or (flc_ratio(*pair) if pair else None)
    if ratio is None or RATIO_LOW <= ratio <= RATIO_HIGH:
        return ()
    chains = (Analyte.FLC_KAPPA, Analyte.FLC_LAMBDA) if ratio > RATIO_HIGH else (Analyte.FLC_LAMBDA, Analyte.FLC_KAPPA)
    mine = _both(values, *chains)
    name = "kappa" if ratio > RATIO_HIGH else "lambda"
    return (
        Calculated(
            key="dflc", label="Involved minus uninvolved", unit="mg/L", below=Analyte.FLC_LAMBDA, kind="difference",
            sources=chains, formula="{a} − {b}", value=dflc(*mine) if mine else None,
            rule=f"involved ({name}) − uninvolved free light chain, at least 0; R-MEAS",
        ),
    )  # fmt: skip


def _calcium(values: Values) -> Calculated:
    pair = _both(values, Analyte.CALCIUM, Analyte.ALBUMIN)
    return Calculated(
        key="calcium_corrected", label="Calcium, corrected for albumin", unit="mg/dL", below=Analyte.ALBUMIN,
        kind="calcium", sources=(Analyte.CALCIUM, Analyte.ALBUMIN), formula="{a} + 0.8 × (4.0 − {b})",
        rule="calcium + 0.8 × (4.0 − albumin in g/dL), in mg/dL", value=corrected_calcium(*pair) if pair else None,
        analyte=Analyte.CALCIUM_CORRECTED,
    )  # fmt: skip


def _clearance(values: Values, person: Person) -> tuple[Calculated, ...]:
    """Cockcroft-Gault; a measured clearance goes before it."""
    if person.weight_kg is None or Analyte.CRCL in values:
        return ()
    creatinine = values.get(Analyte.CREATININE)
    female = " × 0.85" if person.sex == "F" else ""
    constant = (140 - person.age) * person.weight_kg / 72 * (_FEMALE if female else 1)
    return (
        Calculated(
            key="crcl_calculated", label="Creatinine clearance, about", unit="mL/min", below=Analyte.CREATININE,
            kind="over", sources=(Analyte.CREATININE,), places=0, constant=round_half_up(constant, 6),
            formula=f"(140 − {person.age}) × {plain(person.weight_kg)} ÷ (72 × {{a}}){female}",
            rule="Cockcroft-Gault, with the age of the year of birth (one year too high at most) and the last weight",
            value=None if creatinine is None
            else cockcroft_gault(person.age, person.weight_kg, creatinine, person.sex),
        ),
    )  # fmt: skip


def _urine(values: Values) -> tuple[Calculated, ...]:
    """Urine M-protein of 24 hours where the laboratory reports none; what it reports goes before.

    Shown, never stored: the response rules read what the site enters as the urine M-protein. A sum of the software's
    own in its place could make or hide a progression that nobody has looked at.
    """
    if Analyte.URINE_M in values:
        return ()
    shared = _both(values, Analyte.URINE_PROTEIN, Analyte.URINE_M_SHARE)
    measured = _both(values, Analyte.URINE_M_CONC, Analyte.URINE_VOLUME)
    advice = "if the report gives no M-protein, enter this as the result; response rules read no calculated row"
    return (
        Calculated(
            key="urine_m_of_share", label="Urine M-protein of 24 h, from its share", unit="mg/(24.h)",
            below=Analyte.URINE_M, kind="hundredth", sources=(Analyte.URINE_PROTEIN, Analyte.URINE_M_SHARE), places=0,
            formula="{a} × {b} ÷ 100", rule=f"total protein of 24 h × share in % ÷ 100; {advice}",
            value=urine_m_of_share(*shared) if shared else None,
        ),
        Calculated(
            key="urine_m_of_volume", label="Urine M-protein of 24 h, from its concentration", unit="mg/(24.h)",
            below=Analyte.URINE_M, kind="hundredth", sources=(Analyte.URINE_M_CONC, Analyte.URINE_VOLUME), places=0,
            formula="{a} × {b} ÷ 100", rule=f"concentration in mg/dL × volume in mL ÷ 100; {advice}",
            value=per_day(*measured) if measured else None,
        ),
    )  # fmt: skip
