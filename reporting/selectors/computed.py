"""The shape of a data set that is computed from many records by the protocol's rules, not selected by the database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from trialsite.exporting import Column

Cell = str | int | Decimal | date | None


@dataclass(frozen=True)
class Computed:
    """One file of an export. `rows` gives cells in the order of `columns`; None is an empty cell."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Callable[[], Iterable[Sequence[Cell]]]
