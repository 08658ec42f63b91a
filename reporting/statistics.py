"""Exact intervals and survival estimates from SciPy. Figures go in as integers and come out as Decimal."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import scipy  # its parts are read at first use: worker, beat and commands never need them

from protocol.endpoints import EVENT

__all__ = ["Proportion", "Survival", "proportion", "survival"]


@dataclass(frozen=True)
class Proportion:
    """x of n with the exact 95 % Clopper-Pearson interval, all in percent; None where n is 0."""

    x: int
    n: int
    percent: Decimal | None
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True)
class Survival:
    """Kaplan-Meier estimate: days, share still free of the event, and its 95 % log-log band, one entry per step."""

    days: tuple[int, ...]
    share: tuple[Decimal, ...]
    low: tuple[Decimal, ...]
    high: tuple[Decimal, ...]

    def at(self, day: int) -> tuple[Decimal, Decimal, Decimal]:
        """Share, low and high on that day; 1 before the first step."""
        before = [index for index, on in enumerate(self.days) if on <= day]
        if not before:
            return Decimal(1), Decimal(1), Decimal(1)
        return self.share[before[-1]], self.low[before[-1]], self.high[before[-1]]


def proportion(x: int, n: int) -> Proportion:
    if n == 0:
        return Proportion(x, n, None, None, None)
    interval = scipy.stats.binomtest(x, n).proportion_ci(confidence_level=0.95, method="exact")
    return Proportion(x, n, Decimal(x) / Decimal(n) * 100, _decimal(interval.low) * 100, _decimal(interval.high) * 100)


def survival(times: Sequence[tuple[int, str]]) -> Survival:
    """From (days, EVENT or CENSORED) of each subject. ValueError for none."""
    if not times:
        raise ValueError("A survival estimate needs at least one subject.")
    events = [days for days, status in times if status == EVENT]
    censored = [days for days, status in times if status != EVENT]
    curve = scipy.stats.ecdf(scipy.stats.CensoredData(uncensored=events, right=censored)).sf
    with warnings.catch_warnings():
        # Where the estimate is 1 or 0 the band is undefined: said by NaN, and dealt with below.
        warnings.simplefilter("ignore", RuntimeWarning)
        band = curve.confidence_interval(confidence_level=0.95, method="log-log")
    share = [float(value) for value in curve.probabilities]
    return Survival(
        days=tuple(int(day) for day in curve.quantiles),
        share=tuple(_decimal(value) for value in share),
        low=tuple(_limit(value, at) for value, at in zip(band.low.probabilities, share, strict=True)),
        high=tuple(_limit(value, at) for value, at in zip(band.high.probabilities, share, strict=True)),
    )


def _limit(value: float, share: float) -> Decimal:
    """A band is not defined where the estimate is 1 or 0: there it is the estimate itself."""
    return _decimal(share if value != value else value)


def _decimal(value: float) -> Decimal:
    return Decimal(repr(float(value)))
