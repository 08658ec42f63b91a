"""Rows of one file against each other: repeated, contradicting, or of a sample that the file gives to two subjects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from labs.models import ImportRow
from labs.selectors.imports import Neighbour, neighbour_of
from labs.services.comparing import say
from labs.services.understanding import Understood
from labs.words import unit_words

D = ImportRow.Disposition
#: Rows that a sentence names before it says that there are more.
MOST_NAMED = 12


def without_contradictions(understood: Sequence[Understood], torn: Mapping[str, str]) -> list[Understood]:
    """One row for each result. A repeated row is no second result; rows that disagree are a conflict."""
    same: dict[tuple[object, ...], list[Understood]] = defaultdict(list)
    for one in understood:
        if one.accession in torn:
            say(one.row, D.CONFLICTING, torn[one.accession], "twice", would=typed_words(one))
        else:
            same[one.sample, one.analyte].append(one)
    kept = []
    for group in same.values():
        if len({(one.entry.typed, one.entry.unit) for one in group}) > 1:
            words = _against([one.row.line for one in group], "are of one sample and give different results")
            for one in group:
                say(one.row, D.CONFLICTING, words, "twice", would=typed_words(one))
            continue
        kept.append(group[0])
        for one in group[1:]:
            say(one.row, D.UNCHANGED, f"The same as row {group[0].row.line}.")
    return kept


def torn_samples(rows: Sequence[ImportRow], others: Sequence[Neighbour]) -> dict[str, str]:
    """Accession numbers that stand in the file for two subjects or two days, with the sentence for their rows."""
    by_accession: dict[str, list[Neighbour]] = defaultdict(list)
    for one in (*others, *(neighbour for row in rows if (neighbour := neighbour_of(row)))):
        by_accession[one.accession].append(one)
    return {
        accession: _against(
            sorted(one.line for one in group), f"have accession {accession} with different subjects or dates"
        )
        for accession, group in by_accession.items()
        if len({(one.subject_id, one.on) for one in group}) > 1
    }


def _against(lines: Sequence[int], what: str) -> str:
    """Rows 2, 7 and so on, of which the first few are named."""
    numbers = list(dict.fromkeys(str(line) for line in lines))
    named = ", ".join(numbers[:MOST_NAMED]) + (" and more" if len(numbers) > MOST_NAMED else "")
    return f"Rows {named} {what}. Leave out what is wrong."


def typed_words(one: Understood) -> str:
    return f"{one.entry.typed} {unit_words(one.entry.unit)}".strip()
