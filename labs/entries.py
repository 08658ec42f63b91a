"""What a person hands in on the laboratory grid, before and after it is read. Plain values, no database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal

from labs.models import LabResult
from protocol.checks import Finding
from protocol.vocabulary import Analyte, MissingReason, PanelCode

#: Words for a result that is not there. The code is stored, the words are shown.
MISSING_WORDS = {
    MissingReason.ND: "Not done",
    MissingReason.NA: "Not applicable",
    MissingReason.UNK: "Unknown",
    MissingReason.PEND: "Pending",
}
#: A pending result comes later, so nothing needs explaining; every other gap does.
NEEDS_A_REASON = frozenset({MissingReason.ND, MissingReason.NA, MissingReason.UNK})


@dataclass(frozen=True)
class Entry:
    """One result as typed: "3.1", "<0.1", "neg", or nd, na, unk, pend with the reason.

    unit: a code that the analyte accepts, empty for the canonical one. confirmed: the person ticked that this is
    what the report says.
    """

    typed: str
    unit: str = ""
    reason: str = ""
    confirmed: bool = False


@dataclass(frozen=True)
class Collection:
    """When a specimen was drawn, and which laboratory measured it."""

    on: date
    time: time | None = None
    laboratory_id: int | None = None
    accession: str = ""
    method: str = ""


@dataclass(frozen=True)
class Seen:
    """What lay under the form when it was opened: the specimen, its version, and the newest of its results.

    Zeros where there was none, or where it is not known.
    """

    specimen_id: int = 0
    version: int = 0
    newest: int = 0


@dataclass(frozen=True)
class PanelEntry:
    """One panel of a visit as handed in. seen: None when the caller held no older view of it."""

    panel: PanelCode
    collection: Collection
    entries: Mapping[Analyte, Entry]
    seen: Seen | None = None


@dataclass(frozen=True)
class Reading:
    """An entry as it was understood: a value in the canonical unit, a code, or a reason for a gap.

    findings: soft findings, the value stands. problem: the sentence of a hard finding, nothing is stored.
    """

    analyte: Analyte
    entry: Entry
    unit: str = ""
    comparator: str = ""
    value: Decimal | None = None
    coded: str = ""
    missing: str = ""
    missing_reason: str = ""
    findings: tuple[Finding, ...] = ()
    problem: str = ""

    @property
    def typed(self) -> str:
        return self.entry.typed.strip()

    @property
    def is_blank(self) -> bool:
        return not self.typed

    def says(self, result: LabResult) -> bool:
        """True if this is what the stored version says already."""
        mine = (self.typed, self.unit if self.value is not None else "", self.missing_reason)
        return mine == (result.typed, result.typed_unit, result.missing_reason)


def split_missing(typed: str) -> tuple[MissingReason | None, str]:
    """("nd", "clotted") for "nd clotted"; (None, "") for anything that is not one of the four words."""
    word, _, rest = typed.strip().partition(" ")
    try:
        return MissingReason(word.upper()), rest.strip()
    except ValueError:
        return None, ""
