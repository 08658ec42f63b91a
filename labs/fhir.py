"""FHIR R4: the results of a Bundle in JSON. Observations with their Patient and Specimen; all else is passed over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NoReturn

from labs.files import Unreadable
from labs.incoming import Message, checked, coded_words, differing, local, study_number
from labs.mapping import Part, Received
from protocol.coding import LOINC_SYSTEM, UCUM_SYSTEM

Node = Mapping[str, Any]
_DATE = re.compile(r"\d{4}(-\d\d(-\d\d)?)?\Z")
#: A number is written out up to so many places; a longer one stays as it was sent and is refused as a result.
_MOST_PLACES = 30


def read_bundle(text: str, zone: str) -> Message:
    """The results of a Bundle. zone: time zone of the site. Unreadable with a sentence for anything else."""
    bundle = _loaded(text)
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise Unreadable("The message is no FHIR Bundle.")
    resources = [_node(one, "resource") for one in _nodes(bundle, "entry")]
    index = _index(bundle)
    rows = [
        row
        for place, one in enumerate(resources, start=1)
        if one.get("resourceType") == "Observation"
        for row in _results(place, _Observation(one, index, zone))
    ]
    return checked(_text(bundle, "id") or _text(_node(bundle, "identifier"), "value"), rows)


# ---------------------------------------------------------------- JSON
def _loaded(text: str) -> Any:
    try:
        return json.loads(
            text, object_pairs_hook=_once, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number
        )
    except RecursionError:
        raise Unreadable("The message is nested too deeply.") from None
    except (ValueError, ArithmeticError):
        raise Unreadable("The message is not well-formed JSON.") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("The message states a property twice.")
    return found


def _no_number(_: str) -> NoReturn:
    raise ValueError


def _node(node: Any, name: str) -> Node:
    inner = node.get(name) if isinstance(node, dict) else None
    return inner if isinstance(inner, dict) else {}


def _nodes(node: Any, name: str) -> list[Node]:
    inner = node.get(name) if isinstance(node, dict) else None
    return [one for one in inner if isinstance(one, dict)] if isinstance(inner, list) else []


def _text(node: Any, name: str) -> str:
    """A property as text: digits exactly as they were sent."""
    inner = node.get(name) if isinstance(node, dict) else None
    if isinstance(inner, Decimal):
        _, digits, exponent = inner.as_tuple()
        is_short = isinstance(exponent, int) and len(digits) + abs(exponent) <= _MOST_PLACES
        return f"{inner:f}" if is_short else str(inner)[:60]
    return inner if isinstance(inner, str) else ""


# ---------------------------------------------------------------- references
def _index(bundle: Node) -> dict[str, Node]:
    """Every resource by the addresses that others name it with. Unreadable if two have one address."""
    found: dict[str, Node] = {}
    for entry in _nodes(bundle, "entry"):
        resource = _node(entry, "resource")
        kind, key = _text(resource, "resourceType"), _text(resource, "id")
        for address in {_text(entry, "fullUrl"), f"{kind}/{key}" if key else ""} - {""}:
            if found.setdefault(address, resource) is not resource:
                raise Unreadable("Two resources of the message have one address.")
    return found


@dataclass(frozen=True)
class _Observation:
    """One Observation with what it refers to."""

    node: Node
    index: Mapping[str, Node]
    zone: str

    def referred(self, name: str) -> Node:
        address = _text(_node(self.node, name), "reference")
        if address.startswith("#"):
            return next((one for one in _nodes(self.node, "contained") if _text(one, "id") == address[1:]), {})
        return self.index.get(address, {})

    def parts(self) -> tuple[dict[Part, str], str]:
        """What every result of the Observation shares, and its problem if there is one."""
        patient, specimen = self.referred("subject"), self.referred("specimen")
        drawn_on, drawn_at = self._moment(_node(specimen, "collection"), "collected")
        measured_on, measured_at = self._moment(self.node, "effective")
        shared = {
            Part.SUBJECT: self._subject(patient),
            Part.BIRTH_YEAR: _text(patient, "birthDate")[:4],
            Part.SEX: _text(patient, "gender"),
            Part.COLLECTED_ON: drawn_on or measured_on,
            Part.COLLECTED_TIME: drawn_at or measured_at,
            Part.ACCESSION: _text(_node(specimen, "accessionIdentifier"), "value"),
            Part.METHOD: _words(_node(self.node, "method")),
            Part.STATUS: _text(self.node, "status"),
        }
        return shared, differing(drawn_on, measured_on)

    def _subject(self, patient: Node) -> str:
        stated = _nodes(patient, "identifier") or [_node(_node(self.node, "subject"), "identifier")]
        return study_number((_text(one, "system"), _text(one, "value")) for one in stated if one)

    def _moment(self, node: Node, name: str) -> tuple[str, str]:
        written = _text(node, f"{name}DateTime") or _text(_node(node, f"{name}Period"), "start")
        if not written or _DATE.match(written):
            return written, ""
        try:
            return local(datetime.fromisoformat(written), self.zone)
        except ValueError:
            return written[:20], ""


# ---------------------------------------------------------------- results
def _results(place: int, observation: _Observation) -> Iterator[Received]:
    """The Observation and each of its components; one that only groups others is no result."""
    shared, problem = observation.parts()
    components = _nodes(observation.node, "component")
    groups = bool(components or observation.node.get("hasMember"))
    own = observation.node if _has_value(observation.node) or not groups else None
    for node in [one for one in (own, *components) if one is not None]:
        value, unit, wrong = _value(node)
        parts = {**shared, Part.TEST: _test(_node(node, "code")), Part.VALUE: value, Part.UNIT: unit}
        yield Received(place, parts, problem or wrong)


def _has_value(node: Node) -> bool:
    return any(name.startswith("value") or name == "dataAbsentReason" for name in node)


def _value(node: Node) -> tuple[str, str, str]:
    """(result as typed, unit, problem)."""
    kinds = [name for name in node if name.startswith("value")]
    if len(kinds) > 1:
        return "", "", "The Observation holds two values."
    quantity = _node(node, "valueQuantity")
    if quantity:
        is_ucum = _text(quantity, "system") == UCUM_SYSTEM
        unit = _text(quantity, "code") if is_ucum else _text(quantity, "unit")
        return f"{_text(quantity, 'comparator')}{_text(quantity, 'value')}", unit, ""
    if "valueCodeableConcept" in node:
        return _coded(_node(node, "valueCodeableConcept")), "", ""
    if kinds and kinds[0] not in ("valueString", "valueInteger"):
        return "", "", f"{kinds[0][:40]} is not read; results are quantities, words or codes."
    return (coded_words(_text(node, kinds[0])) if kinds else ""), "", ""


def _coded(concept: Node) -> str:
    """neg or pos by any of its codes, else its words; empty where two codes disagree."""
    codes = [_text(one, "code") for one in _nodes(concept, "coding")]
    known = {coded_words(one) for one in codes if coded_words(one) != one or one in ("neg", "pos")}
    if len(known) == 1:
        return known.pop()
    return "" if known else coded_words(_words(concept))


def _test(concept: Node) -> str:
    """The LOINC code, else the laboratory's own code; nothing where two LOINC codes are stated."""
    codings = _nodes(concept, "coding")
    loinc = {_text(one, "code") for one in codings if _text(one, "system") == LOINC_SYSTEM}
    if len(loinc) > 1:
        return " and ".join(sorted(loinc))
    return loinc.pop() if loinc else next((_text(one, "code") for one in codings), "") or _text(concept, "text")


def _words(concept: Node) -> str:
    shown = (_text(one, "display") or _text(one, "code") for one in _nodes(concept, "coding"))
    return _text(concept, "text") or next(shown, "")
