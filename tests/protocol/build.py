"""Courses for tests, written as a clinician would list them: day offsets from Day 1 and values."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from protocol.measurements import Course, DiseaseFinding, Measurement, PhaseInterval
from protocol.schema import Protocol
from protocol.trial import TRIAL
from protocol.units import convert, convert_between
from protocol.vocabulary import Analyte, Phase

DAY1 = date(2024, 1, 15)
SHORT = {
    "m": Analyte.SERUM_M,
    "u": Analyte.URINE_M,
    "sife": Analyte.SERUM_IFE,
    "uife": Analyte.URINE_IFE,
    "k": Analyte.FLC_KAPPA,
    "l": Analyte.FLC_LAMBDA,
    "bm": Analyte.BM_PC,
    "clonal": Analyte.BM_CLONAL,
    "circ": Analyte.CIRCULATING_PC,
    "iga": Analyte.IGA,
    "hb": Analyte.HB,
    "ca": Analyte.CALCIUM,
    "alb": Analyte.ALBUMIN,
    "cr": Analyte.CREATININE,
    "crcl": Analyte.CRCL,
}


def result(name: str, offset: int, value: str) -> Measurement:
    on = DAY1 + timedelta(days=offset)
    if value in ("neg", "pos", "ND"):
        return Measurement(SHORT[name], on, coded=value, source=f"{name}{offset}")
    comparator = value[0] if value[0] in "<>" else ""
    return Measurement(
        SHORT[name],
        on,
        Decimal(value.lstrip("<>")),
        comparator=comparator,
        source=f"{name}{offset}",
        visit=f"d{offset}",
    )


def sample(offset: int, values: dict[str, str]) -> list[Measurement]:
    return [result(name, offset, value) for name, value in values.items()]


def course(*samples: tuple[int, dict[str, str]], findings: tuple[DiseaseFinding, ...] = ()) -> Course:
    """A course on induction from (day offset, values); the first is usually the baseline at -5."""
    measurements = tuple(m for offset, values in samples for m in sample(offset, values))
    return Course(DAY1, measurements, findings, (PhaseInterval(Phase.INDUCTION, DAY1),))


def finding(offset: int, **seen: object) -> DiseaseFinding:
    return DiseaseFinding(DAY1 + timedelta(days=offset), source=f"f{offset}", **seen)  # type: ignore[arg-type]


def on(offset: int) -> date:
    return DAY1 + timedelta(days=offset)


def under(**switches: object) -> Protocol:
    """The protocol with some switches turned."""
    return replace(TRIAL, config=replace(TRIAL.config, **switches))


def typed_in(m: Measurement, unit: str) -> Measurement:
    """The same result as if reported in another unit."""
    typed = convert_between(m.analyte, m.value or Decimal(0), TRIAL.analytes[m.analyte].unit, unit)
    return replace(m, value=convert(m.analyte, typed, unit), typed_unit=unit, typed_value=str(typed))
