"""Two people at one panel: what only one of them changed stands; what both changed differently is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from labs.entries import Collection, Entry, PanelEntry, Reading
from labs.models import LabResult, Specimen
from labs.selectors import StoredPanel
from labs.services.refusals import Conflict, SavedMeanwhile
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte
from trialsite.models import Visit


@dataclass(frozen=True)
class Merged:
    """One panel after the merge. `taken`: results of the other person that stand over boxes nobody touched here."""

    entry: PanelEntry
    readings: Mapping[Analyte, Reading]
    conflicts: tuple[Conflict, ...] = ()
    taken: Mapping[Analyte, Entry] = field(default_factory=dict)
    takes_collection: bool = False


def merge(
    visit: Visit | None, entry: PanelEntry, stored: StoredPanel | None, readings: Mapping[Analyte, Reading]
) -> Merged:
    """The panel beside what was saved since it was opened; as it is where nothing was."""
    seen = entry.seen
    if visit is None or seen is None or stored is None:
        return Merged(entry, readings)
    if (seen.specimen_id, seen.version) == (stored.specimen.pk, stored.specimen.version):
        return Merged(entry, readings)
    opened = _opened(visit, entry)
    theirs = {a: now for a, now in stored.results.items() if a in readings and _only_theirs(readings[a], opened.get(a))}
    both = [a for a, r in readings.items() if a in stored.results and _differ(r, opened.get(a), stored.results[a])]
    collection, conflict = _collection(entry, stored.specimen)
    return Merged(
        entry=replace(entry, collection=collection),
        readings={a: r for a, r in readings.items() if a not in theirs},
        conflicts=(*(_conflict(a, stored.results[a], readings[a]) for a in both), *conflict),
        taken={a: as_typed(now) for a, now in theirs.items()},
        takes_collection=collection != entry.collection,
    )


def refuse_conflicts(merged: Sequence[Merged], stored: Mapping[str, StoredPanel]) -> None:
    """SavedMeanwhile with every conflict of the page at once, or nothing."""
    conflicts = tuple(conflict for one in merged for conflict in one.conflicts)
    if not conflicts:
        return
    last = max((stored[one.entry.panel].specimen for one in merged if one.conflicts), key=lambda one: one.recorded_at)
    raise SavedMeanwhile(
        by=last.recorded_by.printed_name if last.recorded_by else "A job",
        at=last.recorded_at,
        conflicts=conflicts,
        taken={analyte.value: entry for one in merged for analyte, entry in one.taken.items()},
        collections={one.entry.panel: one.entry.collection for one in merged if one.takes_collection},
    )


def as_typed(result: LabResult) -> Entry:
    """A stored result as it was typed."""
    return Entry(result.typed, result.typed_unit, result.missing_reason)


def collection_of(specimen: Specimen) -> Collection:
    """When and where a stored specimen was drawn."""
    return Collection(
        specimen.collected_on, specimen.collected_time, specimen.laboratory_id, specimen.accession, specimen.method
    )


def _opened(visit: Visit, entry: PanelEntry) -> dict[Analyte, LabResult]:
    """The results that lay under the form when it was opened; where it does not say, the last that no longer stand."""
    newest = entry.seen.newest if entry.seen else 0
    versions = LabResult.objects.filter(specimen__visit=visit, specimen__panel=entry.panel).order_by("id")
    known = versions.filter(pk__lte=newest) if newest else versions.exclude(superseded_at=None)
    return {Analyte(one.analyte): one for one in known}


def _only_theirs(mine: Reading, opened: LabResult | None) -> bool:
    """True for a box that nobody touched here: still as it was opened."""
    return mine.is_blank if opened is None else mine.says(opened)


def _differ(mine: Reading, opened: LabResult | None, now: LabResult) -> bool:
    """True where both changed the result since it was opened, each to something else."""
    untouched_there = opened is not None and as_typed(opened) == as_typed(now)
    return not (_only_theirs(mine, opened) or untouched_there or mine.says(now))


def _collection(entry: PanelEntry, theirs: Specimen) -> tuple[Collection, tuple[Conflict, ...]]:
    """Date, time, laboratory, accession and method: theirs where only they changed them, else mine, or a question."""
    mine, now = entry.collection, collection_of(theirs)
    opened = Specimen.objects.filter(pk=entry.seen.specimen_id if entry.seen else 0).first()
    if mine == now or (opened is not None and collection_of(opened) == now):
        return mine, ()
    if opened is not None and collection_of(opened) == mine:
        return now, ()
    label = f"{TRIAL.panels[entry.panel].label}: date, time, laboratory, accession"
    return mine, (Conflict(f"collection-{entry.panel}", label, _in_words(now), _in_words(mine)),)


def _in_words(one: Collection) -> str:
    parts = (f"{one.on:%-d %b %Y}", f"{one.time:%H:%M}" if one.time else "", one.accession, one.method)
    return ", ".join(part for part in parts if part)


def _conflict(analyte: Analyte, theirs: LabResult, mine: Reading) -> Conflict:
    return Conflict(
        field=analyte.value,
        label=TRIAL.analytes[analyte].label,
        theirs=f"{theirs.typed} {theirs.typed_unit}".strip(),
        yours=f"{mine.typed} {mine.unit}".strip(),
    )
