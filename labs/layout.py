"""A large file laid out for reading batch by batch: rows of one subject together, since they are judged together.

Plain values, no database. Only where each row stands is kept, eight bytes for each of four numbers, beside the text.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from labs.files import Table, read_table
from labs.mapping import FileMapping, Part, Received, results_of

#: Rows under one subject's number that are read together at most. A constant in the column of subjects makes one
#: group of the whole file; that of a subject of the trial is judged as a whole later on.
LARGEST_GROUP = 5_000
#: Subjects of one batch at most: what is recorded of each is looked at.
MOST_SUBJECTS = 50
_NUMBERS = 4


@dataclass(frozen=True)
class Layout:
    """batches: rows of each as number, start, end, place of the first result. begins: results before each batch."""

    table: Table
    mapping: FileMapping
    batches: tuple[array[int], ...]
    begins: tuple[int, ...]

    def batch_after(self, stored: int) -> Iterator[tuple[int, Received]]:
        """The batch that follows when so many results are stored: place and result of each; nothing at the end."""
        which = bisect_left(self.begins, stored)
        rows = self.batches[which] if which < len(self.batches) else array("Q")
        for at in range(0, len(rows), _NUMBERS):
            number, start, end, place = rows[at : at + _NUMBERS]
            line = self.table.line_at(number, start, end)
            yield from enumerate(results_of(line, self.table.header, self.mapping), start=place)


@lru_cache(maxsize=1)
def layout_of(text: str, mapping: str, most: int) -> Layout:
    """The layout of a file. mapping: as JSON. most: results of a batch, more only where one subject has more.

    The same text gives the same batches, whoever lays it out. The last one is kept, since the next batch of the same
    file is usually asked for next.
    """
    table, known = read_table(text), FileMapping.from_json(json.loads(mapping))
    groups: dict[str, array[int]] = {}
    sizes: dict[str, int] = {}
    place = 1
    for line in table.lines:
        results = results_of(line, table.header, known)
        if not results:
            continue
        key = subject = results[0].parts.get(Part.SUBJECT, "").upper()
        while sizes.get(key, 0) >= LARGEST_GROUP:
            key += f"\n{subject}"
        groups.setdefault(key, array("Q")).extend((line.number, line.start, line.end, place))
        sizes[key] = sizes.get(key, 0) + len(results)
        place += len(results)
    packed = list(_packed(sizes, most))
    batches = tuple(_joined(groups[key] for key in keys) for keys in packed)
    begins = accumulate((sum(sizes[key] for key in keys) for keys in packed[:-1]), initial=0)
    return Layout(table, known, batches, tuple(begins))


def _packed(sizes: dict[str, int], most: int) -> Iterator[list[str]]:
    """Groups in the order of the file, as many together as make a batch."""
    keys: list[str] = []
    total = 0
    for key, size in sizes.items():
        if keys and (total + size > most or len(keys) == MOST_SUBJECTS):
            yield keys
            keys, total = [], 0
        keys.append(key)
        total += size
    yield keys


def _joined(groups: Iterator[array[int]]) -> array[int]:
    rows = array("Q")
    for group in groups:
        rows.extend(group)
    return rows
