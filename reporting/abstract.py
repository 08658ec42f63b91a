"""The table of the abstract of December 2004 beside what this system computes from the same values.

Source: ASH annual meeting 2004, abstract on anakinra (IL-1Ra) in smoldering myeloma, table of seven patients. The
source lost the patient numbers and prints the whole table twice; seven patients are seven, not fourteen.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

from protocol.derived import pct_change
from protocol.vocabulary import Analyte

NOTE = (
    "The printed changes follow no single rule: 18 of the 21 are rounded, 3 are truncated (-3, -75 and -68 where "
    "rounding gives -4, -76 and -69). A difference of one point is therefore no error. The source prints the table "
    "twice; it is counted once."
)


@dataclass(frozen=True)
class Published:
    """One printed line: values as printed, change in whole percent."""

    patient: int
    analyte: Analyte
    on_study: Decimal
    six_months: Decimal
    change: Decimal


def _patient(number: int, *lines: tuple[Analyte, str, str, str]) -> tuple[Published, ...]:
    return tuple(
        Published(number, analyte, Decimal(before), Decimal(after), Decimal(change))
        for analyte, before, after, change in lines
    )


_PCLI, _CRP, _M = Analyte.PCLI, Analyte.HS_CRP, Analyte.SERUM_M
TABLE: tuple[Published, ...] = (
    *_patient(1, (_PCLI, "0.8", "0", "-100"), (_CRP, "2.01", "0.58", "-71"), (_M, "2.5", "2.4", "-4")),
    *_patient(2, (_PCLI, "0.2", "0", "-100"), (_CRP, "0.89", "0.51", "-43"), (_M, "2.8", "2.7", "-3")),
    *_patient(3, (_PCLI, "0.2", "0", "-100"), (_CRP, "5.7", "1.02", "-82"), (_M, "2.9", "2.9", "0")),
    *_patient(4, (_PCLI, "4.1", "1", "-75"), (_CRP, "3.39", "1.51", "-55"), (_M, "3.8", "3.6", "-5")),
    *_patient(5, (_PCLI, "0.4", "0", "-100"), (_CRP, "3.46", "0.34", "-90"), (_M, "2.7", "3.1", "15")),
    *_patient(6, (_PCLI, "0.3", "0", "-100"), (_CRP, "17", "5.35", "-68"), (_M, "4.4", "3.9", "-11")),
    *_patient(7, (_PCLI, "1.2", "0", "-100"), (_CRP, "1.06", "0.32", "-70"), (_M, "3.1", "2.9", "-6")),
)


@dataclass(frozen=True)
class Agreement:
    """How a printed change relates to the computed one."""

    computed: Decimal | None
    words: str

    @property
    def rounded(self) -> bool:
        return self.words in {"equal", "rounded"}


def agreement(on_study: Decimal, six_months: Decimal, printed: Decimal) -> Agreement:
    """Compare a printed whole-percent change with the computed one.

    "equal" if nothing was cut off, "rounded" or "truncated" by the rule that explains the print, else "differs".
    """
    computed = pct_change(on_study, six_months)
    if computed is None:
        return Agreement(None, "not defined: the value on study is 0")
    if computed == printed:
        return Agreement(computed, "equal")
    if computed.quantize(Decimal(1), ROUND_HALF_UP) == printed:
        return Agreement(computed, "rounded")
    if computed.quantize(Decimal(1), ROUND_DOWN) == printed:
        return Agreement(computed, "truncated")
    return Agreement(computed, "differs")
