"""What the rules read about one subject: dated values with their source, and the events around them.

`labs.selectors` builds a Course from the database, the case reader builds one from a file. Nothing here
computes; a missing value is None together with its reason, never 0 or False.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from protocol.vocabulary import Analyte, LabKind, Mde, MissingReason, Phase, ProposalKind


@dataclass(frozen=True)
class Measurement:
    """One result. `value` is in the analyte's canonical unit; `coded` holds neg/pos for coded analytes.

    `typed_value` and `typed_unit` keep what the report says. `entered_on` and `superseded_on` answer what was
    known by a date. `source` is an opaque reference to the source record and is handed back in explanations.
    """

    analyte: Analyte
    collected_on: date
    value: Decimal | None = None
    coded: str = ""
    comparator: str = ""
    missing: MissingReason | None = None
    typed_value: str = ""
    typed_unit: str = ""
    lab: LabKind = LabKind.CENTRAL
    method: str = ""
    laboratory: str = ""
    collected_time: str = ""
    after_first_dose: bool = False
    lln: Decimal | None = None
    uln: Decimal | None = None
    entered_on: date | None = None
    superseded_on: date | None = None
    visit: str = ""
    source: str = ""

    @property
    def assay(self) -> tuple[str, str]:
        """Which laboratory measured it by which method; empty where it is not stated."""
        return self.laboratory, self.method

    @property
    def has_value(self) -> bool:
        return self.value is not None or bool(self.coded)


@dataclass(frozen=True)
class DiseaseFinding:
    """A disease assessment: imaging, plasmacytoma, attribution. None means not assessed.

    `plasmacytoma_spd` is the sum of products of diameters in mm2; diameters are in mm.
    """

    on: date
    new_bone_lesion: bool | None = None
    enlarged_bone_lesion: bool | None = None
    new_plasmacytoma: bool | None = None
    plasmacytoma_present: bool | None = None
    plasmacytoma_spd: Decimal | None = None
    plasmacytoma_count: int | None = None
    longest_diameter_mm: Decimal | None = None
    short_axis_mm: Decimal | None = None
    mri_focal_lesions: int | None = None
    attributed: frozenset[Mde] = frozenset()
    not_attributed: frozenset[Mde] = frozenset()
    after_first_dose: bool = False
    entered_on: date | None = None
    superseded_on: date | None = None
    visit: str = ""
    source: str = ""


@dataclass(frozen=True)
class PhaseInterval:
    """A phase as lived; `ends_on` is inclusive, None while it is open."""

    phase: Phase
    starts_on: date
    ends_on: date | None = None


@dataclass(frozen=True)
class Decision:
    """A signed phase decision: what the machine had proposed, from where to where, and when."""

    on: date
    from_phase: Phase
    to_phase: Phase
    proposed: ProposalKind | None
    source: str = ""


@dataclass(frozen=True)
class Course:
    """Everything the rules read about one subject. The order of the tuples never matters."""

    day1: date | None
    measurements: tuple[Measurement, ...] = ()
    findings: tuple[DiseaseFinding, ...] = ()
    phases: tuple[PhaseInterval, ...] = ()
    decisions: tuple[Decision, ...] = ()
    registered_on: date | None = None
    ended_treatment_on: date | None = None
    new_therapy_on: date | None = None
    death_on: date | None = None
    death_due_to_myeloma: bool = False
    transfusions: tuple[date, ...] = ()
    esa_doses: tuple[date, ...] = ()
    serum_measure: Analyte = Analyte.SERUM_M
    accepted_late_samples: frozenset[date] = frozenset()
    method_change_accepted: bool = False

    def current(self) -> "Course":
        """What stands now: superseded versions are left out."""
        return replace(
            self,
            measurements=tuple(m for m in self.measurements if m.superseded_on is None),
            findings=tuple(f for f in self.findings if f.superseded_on is None),
        )

    def collected_by(self, day: date) -> "Course":
        """Samples collected and events dated on or before `day`, with all that is known now."""
        return replace(
            self.current(),
            measurements=tuple(m for m in self.current().measurements if m.collected_on <= day),
            findings=tuple(f for f in self.current().findings if f.on <= day),
            phases=tuple(p for p in self.phases if p.starts_on <= day),
            decisions=tuple(d for d in self.decisions if d.on <= day),
            new_therapy_on=_until(self.new_therapy_on, day),
            death_on=_until(self.death_on, day),
            transfusions=tuple(t for t in self.transfusions if t <= day),
            esa_doses=tuple(t for t in self.esa_doses if t <= day),
        )

    def known_by(self, day: date) -> "Course":
        """Entries and corrections made on or before `day`; what was superseded later stands again."""
        return replace(
            self,
            measurements=tuple(replace(m, superseded_on=None) for m in self.measurements if _known(m, day)),
            findings=tuple(replace(f, superseded_on=None) for f in self.findings if _known(f, day)),
        )

    def phase_on(self, day: date) -> PhaseInterval | None:
        """The phase in force on a day, the later one where two meet."""
        running = [p for p in self.phases if p.starts_on <= day and (p.ends_on is None or day <= p.ends_on)]
        return max(running, key=lambda p: p.starts_on, default=None)

    def phase_start(self, phase: Phase) -> date | None:
        """First day of the first interval of a phase."""
        return min((p.starts_on for p in self.phases if p.phase is phase), default=None)


def assay_changed(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """True if two results were surely measured by different laboratories or methods: both state it and differ."""
    return any(mine and theirs and mine != theirs for mine, theirs in zip(one, other, strict=True))


def _until(moment: date | None, day: date) -> date | None:
    return moment if moment is not None and moment <= day else None


def _known(entry: Measurement | DiseaseFinding, day: date) -> bool:
    entered = entry.entered_on is None or entry.entered_on <= day
    return entered and (entry.superseded_on is None or entry.superseded_on > day)
