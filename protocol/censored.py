"""Comparisons of numbers as laboratories report them: `<0.1` and `>200` decide only where no doubt is left."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class AsReported:
    """A number with its sign: "" exact, "<" below it, ">" above it."""

    value: Decimal
    sign: str = ""

    def times(self, factor: Decimal) -> AsReported:
        """The number in a positive multiple."""
        return AsReported(self.value * factor, self.sign)


def reaches(one: AsReported, other: AsReported) -> bool | None:
    """Whether one number is at least the other; None where the signs leave it open."""
    below = exceeds(other, one)
    return None if below is None else not below


def exceeds(one: AsReported, other: AsReported) -> bool | None:
    """Whether one number is more than the other; None where the signs leave it open."""
    if not one.sign and not other.sign:
        return one.value > other.value
    if one.sign != "<" and other.sign != ">" and one.value >= other.value:
        return True
    if one.sign != ">" and other.sign != "<" and one.value <= other.value:
        return False
    return None
