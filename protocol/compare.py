"""Two versions of the protocol, row by row: what was added, taken away or changed, in the sections of the document."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from protocol.document import Row, Table, sections
from protocol.schema import Protocol
from protocol.vocabulary import Drug, Phase, Response
from protocol.words import DRUG_WORDS, RESPONSE_WORDS, SETTINGS, phase_in_words, said


class Kind(StrEnum):
    """How a row differs."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True)
class Cell:
    """One column of a row that differs; empty on the side on which the row does not exist."""

    head: str
    before: str
    after: str


@dataclass(frozen=True)
class RowChange:
    name: str
    kind: Kind
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class SectionChange:
    heading: str
    rows: tuple[RowChange, ...]

    @property
    def anchor(self) -> str:
        return self.heading.lower().replace(",", "").replace(" ", "-")


def compare(old: Protocol, new: Protocol) -> tuple[SectionChange, ...]:
    """Sections with at least one row that differs, in the order of the document, then the switches of the rules."""
    pairs = zip((*sections(old), _switches(old)), (*sections(new), _switches(new)), strict=True)
    found = (SectionChange(before.heading, tuple(_rows(before, after))) for before, after in pairs)
    return tuple(section for section in found if section.rows)


def _rows(before: Table, after: Table) -> Iterator[RowChange]:
    old, new = _by_name(before), _by_name(after)
    for name in dict.fromkeys((*old, *new)):
        cells = tuple(_cells(after.head, old.get(name, ()), new.get(name, ())))
        if cells:
            kind = Kind.ADDED if name not in old else Kind.REMOVED if name not in new else Kind.CHANGED
            yield RowChange(name, kind, cells)


#: The document names phases, drugs and responses by their codes, as files do; here they stand in words.
_NAMES = {
    **{response.value: RESPONSE_WORDS[response] for response in Response},
    **{phase.value: phase_in_words(phase) for phase in Phase},
    **{drug.value: DRUG_WORDS[drug] for drug in Drug},
}


def _in_words(cell: str) -> str:
    """A cell that holds nothing but such codes, in words; any other as it is."""
    parts = cell.split(", ")
    return ", ".join(_NAMES[part] for part in parts) if set(parts) <= _NAMES.keys() else cell


def _by_name(table: Table) -> dict[str, Row]:
    """Rows by name; those of one name are counted, so that none hides another."""
    found: dict[str, Row] = {}
    for row in table.rows:
        name, number = " / ".join(map(_in_words, row[: table.names])), 1
        while (unique := name if number == 1 else f"{name} ({number})") in found:
            number += 1
        found[unique] = row
    return found


def _cells(head: Row, old: Row, new: Row) -> Iterator[Cell]:
    for place, words in enumerate(head):
        before, after = (row[place] if row else "" for row in (old, new))
        if before != after:
            yield Cell(words, _in_words(before), _in_words(after))


def _switches(trial: Protocol) -> Table:
    """Every setting that the rules read, so that no difference between two versions goes unseen."""
    rows = tuple(
        (setting.label, setting.value(getattr(getattr(trial, group), name)))
        for group, settings in SETTINGS.items()
        for name, setting in settings.items()
    )
    washouts = tuple((f"Time without {one.drug_class} before treatment", f"{one.days} days") for one in trial.washouts)
    components = ("Disease is measured in", said(trial.components))
    return Table("Settings of the rules", "", ("Setting", "Value"), (*rows, *washouts, components))
