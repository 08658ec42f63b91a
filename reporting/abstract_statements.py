"""Every other count that the abstract of 2004 states, beside what the same figures give here.

Source: the text of the abstract on anakinra (IL-1Ra) in smoldering myeloma, ASH annual meeting 2004. It names seven
patients by their values; of the others it gives counts only. A count of patients whom nobody can find again is not
computed from other patients: the line says why, and checks what the printed numbers themselves must obey.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from protocol.derived import pct_change
from protocol.explain import plain
from protocol.schema import Protocol
from protocol.vocabulary import Analyte
from reporting.statistics import proportion

AGREES, DIFFERS, OPEN = "agrees", "differs", "cannot be computed"
#: M-protein of IgG or IgA type from which the M-protein alone qualifies, and plasma cells in the marrow (I03).
M_LIMB, MARROW_LIMB = Decimal("3.0"), Decimal(10)


@dataclass(frozen=True)
class Patient:
    """One of the seven as this trial holds it: values on study and after six months; None where missing."""

    on_study: Mapping[Analyte, Decimal]
    six_months: Mapping[Analyte, Decimal]
    marrow: Decimal | None
    low_dose: bool

    def change(self, analyte: Analyte) -> Decimal | None:
        """Percent change, unrounded; None where it is not defined."""
        before, after = self.on_study.get(analyte), self.six_months.get(analyte)
        return None if before is None or after is None else pct_change(before, after)


@dataclass(frozen=True)
class Held:
    """What the statements are held against."""

    seven: Sequence[Patient]
    registered: int
    protocol: Protocol


@dataclass(frozen=True)
class Statement:
    """One sentence of the abstract. `because` says why it cannot be computed, or on what the answer rests."""

    words: str
    printed: str
    computed: str
    verdict: str
    because: str = ""


def statements(held: Held) -> list[Statement]:
    """All of them, in the order of the abstract."""
    return [one(held) for one in _STATEMENTS]


def _of_the_seven(words: str, printed: str, judge: Callable[[Sequence[Patient]], tuple[str, bool]]) -> _Maker:
    """A statement about the seven patients; it is judged only where all seven are in reach."""

    def made(held: Held) -> Statement:
        if len(held.seven) < 7:
            return Statement(words, printed, "", OPEN, f"Only {len(held.seven)} of the seven are in reach.")
        computed, agrees = judge(held.seven)
        return Statement(words, printed, computed, AGREES if agrees else DIFFERS)

    return made


_Maker = Callable[[Held], Statement]


def _not_named(words: str, printed: str, because: str) -> _Maker:
    return lambda held: Statement(words, printed, "", OPEN, because)


def _enrolled(held: Held) -> Statement:
    because = "The 29 were those enrolled when the abstract was written; it does not say which."
    return Statement("Patients enrolled", "29", f"{held.registered} registered in reach", OPEN, because)


def share_of(words: str, x: int, n: int, printed: str) -> _Maker:
    """The exact interval of a printed share, which holds whoever the patients were."""

    def made(held: Held) -> Statement:
        share = proportion(x, n)
        computed = f"{share.percent:.1f}% (95% CI {share.low:.1f} to {share.high:.1f})"
        verdict = AGREES if computed == printed else DIFFERS
        return Statement(words, printed, computed, verdict, "Computed from the printed counts: exact interval.")

    return made


def sum_of(words: str, parts: Sequence[int], total: int) -> _Maker:
    """Whether printed groups add up to the printed whole."""

    printed = f"{' + '.join(map(str, parts))} = {total}"

    def made(held: Held) -> Statement:
        verdict = AGREES if sum(parts) == total else DIFFERS
        return Statement(words, printed, str(sum(parts)), verdict, "Computed from the printed counts.")

    return made


def _changes(seven: Sequence[Patient], analyte: Analyte) -> list[Decimal]:
    return [change for one in seven if (change := one.change(analyte)) is not None]


def _pcli_falls(seven: Sequence[Patient]) -> tuple[str, bool]:
    falls = [-one for one in _changes(seven, Analyte.PCLI)]
    inside = sum(1 for one in falls if 75 <= one <= 100)
    return f"{inside} of 7 fell by {_whole(min(falls))} to {_whole(max(falls))}%", inside == 7


def _crp_falls(seven: Sequence[Patient]) -> tuple[str, bool]:
    falls = [-one for one in _changes(seven, Analyte.HS_CRP)]
    low, high = min(falls), max(falls)
    return f"{low:.1f} to {high:.1f}%", (_whole(low), _whole(high)) == (Decimal(43), Decimal(90))


def _m_protein(seven: Sequence[Patient]) -> tuple[str, bool]:
    changes = _changes(seven, Analyte.SERUM_M)
    words = f"largest fall {-min(changes):.1f}%, largest rise {max(changes):.1f}%"
    return words, min(changes) > -25 and max(changes) < 25


def _entry_pcli(seven: Sequence[Patient]) -> tuple[str, bool]:
    found = [one.on_study[Analyte.PCLI] for one in seven]
    return f"{plain(min(found))} to {plain(max(found))}%", (min(found), max(found)) == (Decimal("0.2"), Decimal("4.1"))


def _m_limb(seven: Sequence[Patient]) -> tuple[str, bool]:
    low = [one for one in seven if one.on_study[Analyte.SERUM_M] < M_LIMB]
    by_marrow = sum(1 for one in low if one.marrow is not None and one.marrow >= MARROW_LIMB)
    return f"{len(low)} of 7 below 3.0 g/dL, {by_marrow} of them qualify by marrow", len(low) == by_marrow == 4


def _regimen(words: str, printed: str, parameter: str) -> _Maker:
    def made(held: Held) -> Statement:
        computed = f"{held.protocol.parameters[parameter].value} mg"
        verdict = AGREES if printed.startswith(computed) else DIFFERS
        return Statement(words, printed, computed, verdict, f"Protocol {held.protocol.version}.")

    return made


def _low_dose(held: Held) -> Statement:
    went_on = sum(1 for one in held.seven if one.low_dose)
    because = (
        "The five are not named. Counted are those of the seven whose investigator signed it; the rules propose "
        "it to all with stable disease."
    )
    computed = f"{went_on} of the {len(held.seven)} found here"
    return Statement("Went on to anakinra with dexamethasone", "5 of 11", computed, OPEN, because)


def _whole(value: Decimal) -> Decimal:
    return value.quantize(Decimal(1), ROUND_HALF_UP)


_FOUR_ELSEWHERE = "The other four of the eleven are not in the table."
_STATEMENTS: tuple[_Maker, ...] = (
    _enrolled,
    _regimen("Anakinra every day for six months", "100 mg", "anakinra_mg"),
    _of_the_seven("Labelling index at entry", "0.2 to 4.1%", _entry_pcli),
    _of_the_seven(
        "Qualified with an M-protein below 3.0 g/dL, so by marrow of 10% or more", "4 of the 7 in the table", _m_limb
    ),
    _of_the_seven("Labelling index fell by 75 to 100%", "the 7 in the table", _pcli_falls),
    share_of("Labelling index fell by 75 to 100%, of 11 who had one above 0", 7, 11, "63.6% (95% CI 30.8 to 89.1)"),
    _not_named("Labelling index fell by 50% or less", "3 of 11", _FOUR_ELSEWHERE),
    _not_named("Labelling index rose", "1 of 11", _FOUR_ELSEWHERE),
    sum_of("The three groups are the eleven", (7, 3, 1), 11),
    _of_the_seven("hs-CRP fell in the seven", "43 to 90%", _crp_falls),
    _of_the_seven("Little effect on the M-protein (less than 25% either way)", "the 7 in the table", _m_protein),
    _low_dose,
    _regimen("Dexamethasone once a week", "20 mg", "low_dex_mg"),
    share_of("Minimal response with dexamethasone, 4 of 5", 4, 5, "80.0% (95% CI 28.4 to 99.5)"),
    _not_named("Minimal response and stable disease of the five", "4 and 1", "The five are not named."),
    sum_of("Minimal response and stable disease are the five", (4, 1), 5),
    _not_named(
        "Co-culture of 48 hours", "laboratory", "An experiment, not data of a subject: nothing of it is captured."
    ),
)
