"""Every address of the site, found in the resolver, with a sample value for each of its parameters."""

from __future__ import annotations

from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.converters import IntConverter

SAMPLES = {"key": "nosuchkey1", "code": "m06", "token": "nosuchtoken", "name": "high_dex_mg", "drug": "ANAKINRA"}


@dataclass(frozen=True)
class Address:
    name: str
    path: str
    parameters: tuple[str, ...]


def every_url(values: dict[str, object] | None = None) -> list[Address]:
    """All named and unnamed patterns. `values` replace the samples, for example with a real subject's key."""
    found: list[Address] = []
    _collect(get_resolver().url_patterns, "", {}, values or {}, found)
    return found


def _collect(
    patterns: list[URLPattern | URLResolver],
    prefix: str,
    converters: dict[str, object],
    values: dict[str, object],
    found: list[Address],
) -> None:
    for entry in patterns:
        known = {**converters, **entry.pattern.converters}
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            _collect(entry.url_patterns, route, known, values, found)
        else:
            found.append(Address(entry.name or "", "/" + _filled(route, known, values), tuple(known)))


def _filled(route: str, converters: dict[str, object], values: dict[str, object]) -> str:
    for name, converter in converters.items():
        sample = values.get(name) or SAMPLES.get(name) or (1 if isinstance(converter, IntConverter) else "sample")
        kind = next(part for part in route.split("<")[1:] if part.split(">")[0].split(":")[-1] == name).split(">")[0]
        route = route.replace(f"<{kind}>", str(sample))
    return route
