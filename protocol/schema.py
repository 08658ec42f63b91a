"""The frozen dataclasses that a protocol is written in. No value lives here; `trial.py` holds the values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from protocol.dose_rules import DoseRule
from protocol.vocabulary import (
    Analyte,
    Component,
    CriteriaVersion,
    CtcaeVersion,
    Drug,
    FollowUpOrigin,
    Month6Basis,
    MonthConvention,
    NadirMode,
    Necessity,
    PanelCode,
    PdAction,
    Phase,
)


@dataclass(frozen=True)
class Parameter:
    """One number or choice of the protocol with its source. `confirmed` is False until the study owner signs it."""

    label: str
    value: str
    unit: str
    source: str
    confirmed: bool
    why: str


@dataclass(frozen=True)
class ReferenceRange:
    """Typical adult range in the canonical unit; a laboratory's own dated range replaces it."""

    low: Decimal | None
    high: Decimal | None
    sex: str = ""


@dataclass(frozen=True)
class AnalyteSpec:
    """A row of the laboratory table. `unit` is the canonical UCUM code; `units` lists every accepted code."""

    analyte: Analyte
    label: str
    short: str
    loinc: str
    unit: str
    units: tuple[str, ...]
    decimals: int
    plausible: tuple[Decimal, Decimal] | None
    reference: tuple[ReferenceRange, ...] = ()
    coded: tuple[str, ...] = ()
    derived: bool = False
    note: str = ""


@dataclass(frozen=True)
class Panel:
    code: PanelCode
    label: str
    analytes: tuple[Analyte, ...]
    central: bool = False


@dataclass(frozen=True)
class ScheduleItem:
    """One row of the schedule of events: which columns ask for it, and how."""

    code: str
    label: str
    panel: PanelCode | None
    cells: Mapping[str, Necessity]
    condition: str = ""


@dataclass(frozen=True)
class ScheduleSlot:
    """A protocol slot. `month` counts study months from Day 1; days are offsets from the target."""

    code: str
    label: str
    column: str
    month: int
    opens: int
    closes: int


@dataclass(frozen=True)
class Criterion:
    """One eligibility criterion. `inputs` are evidence names, `own` those that no other criterion shares.

    records: kinds of records that count where there are any; each is evidence of its own, and none is ever missing.
    """

    id: str
    words: str
    inputs: tuple[str, ...]
    own: tuple[str, ...]
    source: str
    confirmed: bool = True
    note: str = ""
    records: tuple[str, ...] = ()


@dataclass(frozen=True)
class Washout:
    drug_class: str
    days: int
    confirmed: bool


@dataclass(frozen=True)
class Regimen:
    """Drugs of a phase in words and numbers; `mg` None means that the parameter table holds it."""

    phase: Phase
    drug: Drug
    mg_parameter: str
    rhythm: str


@dataclass(frozen=True)
class Transition:
    """A road between two phases. `rule` is the number of the rule in the clinical specification."""

    source: Phase
    target: Phase
    rule: str
    words: str


@dataclass(frozen=True)
class ResponseCriteria:
    """One version of the response criteria as data. Percentages are whole percents of baseline or nadir."""

    version: CriteriaVersion
    title: str
    has_mr: bool
    confirmation_min_days: int
    high_m_reference: str
    marrow_pd: str
    marrow_pd_restricted: bool
    calcium_pd_above: Decimal | None
    circulating_pd: bool
    mr_plasmacytoma_pct: Decimal
    marrow_mr_pct: Decimal | None
    unconfirmed: tuple[str, ...]
    mr_pct: Decimal = Decimal(25)
    pr_pct: Decimal = Decimal(50)
    vgpr_pct: Decimal = Decimal(90)
    urine_mr_pct: Decimal = Decimal(50)
    urine_pr_pct: Decimal = Decimal(90)
    urine_vgpr_below: Decimal = Decimal(100)
    urine_pr_below: Decimal = Decimal(200)
    marrow_cr_below: Decimal = Decimal(5)
    pd_ratio: Decimal = Decimal("1.25")
    pd_serum_rise: Decimal = Decimal("0.5")
    pd_iga_rise: Decimal = Decimal(500)
    pd_serum_high_from: Decimal = Decimal(5)
    pd_serum_high_rise: Decimal = Decimal(1)
    pd_urine_rise: Decimal = Decimal(200)
    pd_flc_rise: Decimal = Decimal(100)
    pd_marrow_points: Decimal = Decimal(10)
    pd_lesion_ratio: Decimal = Decimal("1.5")
    pd_circulating_ratio: Decimal = Decimal("1.5")
    pd_circulating_from: Decimal = Decimal(200)


@dataclass(frozen=True)
class MeasurableLimits:
    """R-MEAS: what counts as measurable at baseline."""

    serum_m: Decimal = Decimal("1.0")
    iga: Decimal = Decimal(750)
    urine_m: Decimal = Decimal(200)
    flc_involved: Decimal = Decimal(100)
    ratio_low: Decimal = Decimal("0.26")
    ratio_high: Decimal = Decimal("1.65")
    marrow: Decimal = Decimal(30)


@dataclass(frozen=True)
class MdeLimits:
    """Myeloma-defining events (clinical specification 2.5). Limits printed in two units are kept in both."""

    calcium_mg_dl: Decimal = Decimal(11)
    calcium_mmol_l: Decimal = Decimal("2.75")
    calcium_over_uln_mg_dl: Decimal = Decimal(1)
    calcium_further_rise: Decimal = Decimal(1)
    creatinine_mg_dl: Decimal = Decimal(2)
    creatinine_umol_l: Decimal = Decimal(177)
    creatinine_rise: Decimal = Decimal(2)
    clearance_below: Decimal = Decimal(40)
    hb_below: Decimal = Decimal(10)
    hb_under_lln: Decimal = Decimal(2)
    hb_fall: Decimal = Decimal(2)
    marrow_clonal_pct: Decimal = Decimal(60)
    flc_ratio: Decimal = Decimal(100)
    flc_involved: Decimal = Decimal(100)
    focal_lesions_over: int = 1
    transfusion_days: int = 28
    esa_days: int = 42


@dataclass(frozen=True)
class Config:
    """The switches of the protocol where its sources are silent or disagree (clinical specification 1.9)."""

    month_convention: MonthConvention = MonthConvention.CALENDAR
    anakinra_mg: Decimal = Decimal(100)
    low_dex_mg: Decimal = Decimal(20)
    high_dex_mg: Decimal = Decimal(40)
    criteria_version: CriteriaVersion = CriteriaVersion.IMWG2016
    nadir_mode: NadirMode = NadirMode.LOWEST_OBSERVED
    confirmation_skip_ne: bool = True
    confirmation_min_days: int = 0
    month6_basis: Month6Basis = Month6Basis.CONFIRMED_STATUS
    month6_window_days: tuple[int, int] = (-14, 14)
    phase_end_window_days: tuple[int, int] = (-14, 14)
    late_sample_days: int = 42
    late_sample_reminder_days: tuple[int, ...] = (7, 14, 28)
    confirmation_reminder_days: tuple[int, ...] = (14,)
    baseline_days: int = 42
    baseline_marrow_days: int = 104
    component_days: int = 7
    bm_valid_days: int = 180
    slim_counts_as_active: bool = False
    exclude_slim: bool = False
    screening_days: int = 28
    screening_marrow_days: int = 90
    pregnancy_test_days: int = 7
    pd_on_high_dex: PdAction = PdAction.OFF_TREATMENT
    early_pd: PdAction = PdAction.HIGH_DEX
    fu_interval_months: int = 6
    fu_visits: int = 10
    fu_cap_months: int = 60
    fu_origin: FollowUpOrigin = FollowUpOrigin.END_OF_TREATMENT
    fu_cap_origin: FollowUpOrigin = FollowUpOrigin.END_OF_TREATMENT
    fu_window_days: int = 30
    reminder_offsets_days: tuple[int, ...] = (-30, -7, 0, 31)
    low_dex_anchor: str = "FIRST_LOW_DEX_DAY_CONTINUOUS"
    low_dex_13_18_mandatory: bool = True
    high_dex_months: str = "RELATIVE_TO_PHASE_START"
    hold_shifts_calendar: bool = False
    combo_reference: str = "STUDY_BASELINE"
    orr_floor: str = "PR"
    ctcae_version: CtcaeVersion = CtcaeVersion.V5
    pfs_day_count: str = "date - start + 1"
    accrual_subjects: int = 55
    accrual_months: int = 62
    event_on_unconfirmed_final_pd: bool = False


@dataclass(frozen=True)
class Protocol:
    """A whole protocol version. An amendment is a second object of this class."""

    id: str
    version: str
    title: str
    facts: Mapping[str, str]
    config: Config
    analytes: Mapping[Analyte, AnalyteSpec]
    panels: Mapping[PanelCode, Panel]
    schedule: tuple[ScheduleSlot, ...]
    items: tuple[ScheduleItem, ...]
    criteria: tuple[Criterion, ...]
    washouts: tuple[Washout, ...]
    regimens: tuple[Regimen, ...]
    transitions: tuple[Transition, ...]
    response_criteria: Mapping[CriteriaVersion, ResponseCriteria]
    parameters: Mapping[str, Parameter]
    dose_rules: tuple[DoseRule, ...] = ()
    measurable: MeasurableLimits = field(default_factory=MeasurableLimits)
    mde: MdeLimits = field(default_factory=MdeLimits)
    components: tuple[Component, ...] = tuple(Component)
    #: What this version changes against the one before, in words; empty for the first.
    amendment: str = ""

    @property
    def response_version(self) -> ResponseCriteria:
        """The response criteria in force under this protocol's configuration."""
        return self.response_criteria[self.config.criteria_version]
