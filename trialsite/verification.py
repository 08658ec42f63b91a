"""Walking the audit chains. Needs nothing but the rows: the hashes are recomputed here, not by the database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from itertools import groupby
from operator import attrgetter

from django.db import connection

_LINKS = """
SELECT l.chain, l.seq, l.previous, l.hash, l.event_id, CASE WHEN e.id IS NOT NULL THEN audit_canonical(e) END
FROM audit_link l LEFT JOIN audit_event e ON e.id = l.event_id AND e.chain = l.chain
ORDER BY l.chain, l.seq
"""
_UNLINKED = """
SELECT e.chain, e.id FROM audit_event e LEFT JOIN audit_link l ON l.event_id = e.id
WHERE l.event_id IS NULL ORDER BY e.id LIMIT 1
"""
_HEADS = "SELECT chain, seq, hash FROM audit_head"


@dataclass(frozen=True)
class BadRow:
    """The first row of a chain that is not as it was written."""

    chain: str
    seq: int
    event_id: int | None
    why: str

    def __str__(self) -> str:
        return f"{self.chain}, link {self.seq}, event {self.event_id}: {self.why}"


@dataclass(frozen=True)
class Link:
    chain: str
    seq: int
    previous: str
    hash: str
    event_id: int
    canonical: str | None


def link_hash(previous: str, canonical: str) -> str:
    """SHA-256 of the previous link's hash, the unit separator and the event's canonical text, in UTF-8."""
    return sha256(f"{previous}\x1f{canonical}".encode()).hexdigest()


def walk(links: Iterable[Link], heads: dict[str, tuple[int, str]]) -> Iterator[BadRow]:
    """The first bad row of every chain that has one.

    links: ordered by chain and number. heads: chain -> (last number, last hash).
    """
    seen = set()
    for chain, strand in groupby(links, key=attrgetter("chain")):
        seen.add(chain)
        bad = _first_bad(chain, strand, heads.get(chain))
        if bad is not None:
            yield bad
    for chain in sorted(heads.keys() - seen):
        yield BadRow(chain, 1, None, "the whole chain is gone, its head is left")


def _first_bad(chain: str, strand: Iterable[Link], head: tuple[int, str] | None) -> BadRow | None:
    seq, last = 0, ""
    for link in strand:
        why = _fault(link, seq, last)
        if why:
            return BadRow(chain, link.seq, link.event_id, why)
        seq, last = link.seq, link.hash
    if head is None:
        return BadRow(chain, seq, None, "the head of the chain is gone")
    if head != (seq, last):
        return BadRow(chain, seq + 1, None, f"the end of the chain is cut off: the head stands at {head[0]}")
    return None


def _fault(link: Link, seq: int, last: str) -> str:
    if link.seq != seq + 1:
        return f"link {seq + 1} is missing"
    if link.previous != last:
        return "does not follow from the link before"
    if link.canonical is None:
        return "the event is gone"
    if link_hash(link.previous, link.canonical) != link.hash:
        return "the event was altered"
    return ""


def bad_rows() -> list[BadRow]:
    """Every chain's first bad row, and events that are in no chain. Runs inside a `reading` over all sites."""
    with connection.cursor() as cursor:
        cursor.execute(_HEADS)
        heads = {chain: (seq, digest) for chain, seq, digest in cursor.fetchall()}
        cursor.execute(_LINKS)
        found = list(walk((Link(*row) for row in cursor), heads))
        cursor.execute(_UNLINKED)
        stray = cursor.fetchone()
    return [*found, *([BadRow(stray[0], 0, stray[1], "the event is in no chain")] if stray else [])]
