"""All data sets in one archive with a manifest, made while it leaves; and the manifest alone."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from reporting.exporting.spreadsheets import RULE
from reporting.exporting.streams import Tally, pieces
from reporting.selectors.computed import Computed
from trialsite.access import ALL_SITES, Actor
from trialsite.exporting import Dataset
from trialsite.models import Site, Subject
from trialsite.selectors import protocol_in_force

MANIFEST = "manifest.json"
MISSING = (
    "An empty cell is a value that is not there, never a zero. Why it is not there stands in a column beside it: a "
    "state, a status, or a missing code (ND not done, NA not applicable, UNK unknown, PEND pending) with its reason."
)
DataSet = Dataset | Computed


@dataclass(frozen=True)
class Made:
    """One finished file of an export."""

    dataset: DataSet
    rows: int
    size: int
    sha256: str


class _Sink:
    """What the archive is written to: it keeps the bytes until they are taken away, and cannot go back."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def write(self, data: bytes) -> int:
        self.waiting += data
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """The bytes stay until they are taken."""

    def take(self) -> bytes:
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken


def manifest(made: Iterable[Made], by: Actor, at: datetime) -> bytes:
    """What an export holds, as JSON: data cut, versions, who, and for each file rows, columns and SHA-256."""
    in_force = protocol_in_force()
    content = {
        "study": in_force.id,
        "data_cut": at.isoformat(timespec="seconds"),
        "made_by": by.printed_name,
        "sites": _sites(by, at),
        "software": settings.BUILD,
        "protocol_version": in_force.version,
        "criteria_version": in_force.config.criteria_version.value,
        "subjects_by_protocol_version": _by_version(),
        "missing_values": MISSING,
        "spreadsheet_rule": RULE,
        "files": [_file(one) for one in made],
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def _by_version() -> dict[str, int]:
    """How many subjects each protocol version judges."""
    return dict(Counter(Subject.objects.order_by("protocol_version").values_list("protocol_version", flat=True)))


def _sites(by: Actor, at: datetime) -> list[str]:
    reach = by.site_ids(at.date())
    wanted = Site.objects.all() if by.system or ALL_SITES in reach else Site.objects.filter(pk__in=reach)
    return list(wanted.order_by("code").values_list("code", flat=True))


def _file(made: Made) -> dict[str, Any]:
    return {
        "name": f"{made.dataset.name}.csv",
        "title": made.dataset.title,
        "rows": made.rows,
        "bytes": made.size,
        "sha256": made.sha256,
        "columns": [{"name": column.name, "meaning": column.words} for column in made.dataset.columns],
    }


def archive(datasets: Iterable[DataSet], by: Actor, at: datetime, tally: Tally) -> Iterator[bytes]:
    """A zip of every data set and the manifest, in pieces. `tally` counts what leaves. Runs inside `one_state`."""
    sink, made = _Sink(), list[Made]()
    moment = at.timetuple()[:6]
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as packed:
        for dataset in datasets:
            inside = Tally()
            with packed.open(_entry(f"{dataset.name}.csv", moment), "w") as entry:
                for piece in pieces(dataset, inside):
                    entry.write(piece)
                    yield tally.count(sink.take())
            made.append(Made(dataset, inside.rows, inside.size, inside.sha256))
            tally.rows += inside.rows
        packed.writestr(_entry(MANIFEST, moment), manifest(made, by, at))
    yield tally.count(sink.take())


def _entry(name: str, moment: tuple[int, ...]) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, date_time=(moment[0], moment[1], moment[2], moment[3], moment[4], moment[5]))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def measured(datasets: Iterable[DataSet]) -> list[Made]:
    """Every data set made and thrown away: for a manifest of its own. Runs inside `one_state`."""
    made = []
    for dataset in datasets:
        tally = Tally()
        for _ in pieces(dataset, tally):
            pass
        made.append(Made(dataset, tally.rows, tally.size, tally.sha256))
    return made
