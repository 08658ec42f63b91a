"""Words of this room's pages for codes that are stored short."""

from __future__ import annotations

from decimal import Decimal

from protocol.explain import plain

CODED = {
    "neg": "Negative",
    "pos": "Positive",
    "ND": "Not determined",
    "no_band": "No monoclonal band",
    "faint_band": "Faint band",
    "band": "Monoclonal band",
    "bands": "Two bands or more",
}
#: Units as they are read; the code itself where nothing else is usual.
UNITS = {
    "10*9/L": "×10⁹/L",
    "10*3/uL": "×10³/µL",
    "/mm3": "/mm³",
    "/uL": "/µL",
    "mg/(24.h)": "mg/24 h",
    "g/(24.h)": "g/24 h",
    "umol/L": "µmol/L",
    "ukat/L": "µkat/L",
    "ug/mL": "µg/mL",
    "Cel": "°C",
    "1": "",
}


def unit_words(code: str) -> str:
    return UNITS.get(code, code)


def range_words(low: Decimal | None, high: Decimal | None) -> str:
    """3.3 to 19.4, up to 3, from 60: limits of normal as they are read."""
    if low is None and high is None:
        return ""
    if low is None and high is not None:
        return f"up to {_grouped(high)}"
    if high is None and low is not None:
        return f"from {_grouped(low)}"
    return f"{_grouped(low)} to {_grouped(high)}"


def _grouped(value: Decimal | None) -> str:
    return "" if value is None else f"{Decimal(plain(value)):,f}"
