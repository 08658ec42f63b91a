"""Eligibility, criterion by criterion: met, not met or indeterminate, with the evidence (clinical specification 1.2).

Missing evidence is INDETERMINATE and blocks; it never passes. A record that counts against the subject counts whatever
was answered, and one of which an unknown day decides leaves the criterion undecided.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from protocol.censored import AsReported, exceeds, reaches
from protocol.explain import Truth, all_of, any_of, outcome
from protocol.medicines import AGENT, ANTIBIOTIC, INFECTION_DAYS
from protocol.schema import Criterion, Protocol
from protocol.vocabulary import CriterionOutcome

Value = Decimal | str | bool | int | None


@dataclass(frozen=True)
class Evidence:
    """One data item behind a criterion, with its date and the reference to its source record."""

    value: Value
    on: date | None = None
    unit: str = ""
    source: str = ""
    #: "<" or ">" where the laboratory reported no exact number; else what a reader should know of the value.
    note: str = ""

    @property
    def sign(self) -> str:
        return self.note if self.note in ("<", ">") else ""


@dataclass(frozen=True)
class Judgement:
    """A criterion as judged. `outcome` MET means that it speaks for the subject, also for exclusions."""

    criterion_id: str
    words: str
    outcome: CriterionOutcome
    evidence: tuple[tuple[str, Evidence], ...]
    why: str


class Facts:
    """Typed access to the evidence, with the protocol's limits beside it; what is absent or of another kind is None."""

    def __init__(self, evidence: Mapping[str, Evidence], trial: Protocol) -> None:
        self._values = {name: item.value for name, item in evidence.items()}
        self._signs = {name: item.sign for name, item in evidence.items()}
        self.trial = trial

    def number(self, name: str) -> Decimal | None:
        value = self._values.get(name)
        if isinstance(value, bool) or not isinstance(value, Decimal | int):
            return None
        return Decimal(value)

    def flag(self, name: str) -> bool | None:
        value = self._values.get(name)
        return value if isinstance(value, bool) else None

    def word(self, name: str) -> str | None:
        value = self._values.get(name)
        return value if isinstance(value, str) and value else None

    def reported(self, name: str) -> AsReported | None:
        """A number with the sign under which the laboratory reported it."""
        value = self.number(name)
        return None if value is None else AsReported(value, self._signs.get(name, ""))

    def at_least(self, name: str, limit: Decimal | str) -> bool | None:
        """Whether a number reaches a limit in the unit of the evidence (Criterion.inputs)."""
        value = self.reported(name)
        return None if value is None else reaches(value, AsReported(Decimal(limit)))

    def none_counts(self, kind: str) -> Truth:
        """True if no record of the kind counts against the subject; the value of each says whether it does."""
        found = [value for name, value in self._values.items() if kind_of(name) == kind]
        return all_of(not value if isinstance(value, bool) else None for value in found)

    def no(self, *names: str) -> bool | None:
        """True if every one of the flags is answered no."""
        return all_of(None if (flag := self.flag(name)) is None else not flag for name in names)


def record_name(kind: str, source: str) -> str:
    """The name under which one record of a kind is evidence."""
    return f"{kind}:{source}"


def kind_of(name: str) -> str:
    """The kind of records of an evidence name; of what is no record, the name itself."""
    return name.partition(":")[0]


def evidence_of(criterion: Criterion, evidence: Mapping[str, Evidence]) -> dict[str, Evidence]:
    """What a criterion rests on: its inputs in their order, then the records that count."""
    stated = {name: evidence[name] for name in criterion.inputs if name in evidence}
    return stated | {name: one for name, one in evidence.items() if ":" in name and kind_of(name) in criterion.records}


def judge(evidence: Mapping[str, Evidence], trial: Protocol) -> tuple[Judgement, ...]:
    """Every criterion of the protocol in its order. Evidence names are those of `Criterion.inputs`."""
    return tuple(_judge(criterion, evidence, trial) for criterion in trial.criteria)


def is_eligible(judgements: tuple[Judgement, ...]) -> bool:
    """True if nothing is unmet and nothing is indeterminate."""
    good = (CriterionOutcome.MET, CriterionOutcome.NOT_APPLICABLE)
    return all(j.outcome in good for j in judgements)


def _judge(criterion: Criterion, evidence: Mapping[str, Evidence], trial: Protocol) -> Judgement:
    used = tuple(evidence_of(criterion, evidence).items())
    if not _applies(criterion, trial):
        words = "Not part of this protocol version."
        return Judgement(criterion.id, criterion.words, CriterionOutcome.NOT_APPLICABLE, used, words)
    result = outcome(RULES[criterion.id](Facts(evidence, trial)))
    return Judgement(criterion.id, criterion.words, result, used, _why(result, criterion, dict(used)))


def _applies(criterion: Criterion, trial: Protocol) -> bool:
    switched_off = {"E08": not trial.washouts, "E10": not trial.config.exclude_slim}
    return not switched_off.get(criterion.id, False)


def _why(result: CriterionOutcome, criterion: Criterion, used: Mapping[str, Evidence]) -> str:
    records = [item.note for name, item in used.items() if ":" in name]
    known = {name: item for name, item in used.items() if ":" not in name and item.value is not None}
    shown = [*(f"{name} {item.sign}{item.value}" for name, item in known.items()), *records]
    if result is CriterionOutcome.INDETERMINATE:
        missing = [n for n in criterion.inputs if n not in known]
        return f"Missing: {', '.join(missing)}." if missing else f"Not decided by {', '.join(shown)}."
    return ", ".join(shown)


def _qualifies(f: Facts) -> bool | None:
    chain = f.word("heavy_chain")
    secreted = all_of((None if chain is None else chain in ("IgG", "IgA"), f.at_least("serum_m", "3.0")))
    return any_of((f.at_least("bm_pc", "10"), secreted, f.at_least("urine_lc", "1000")))


def _measurable(f: Facts) -> bool | None:
    limits = f.trial.measurable
    urine = [f.at_least(name, limits.urine_m) for name in ("urine_m", "urine_lc")]
    known = [u for u in urine if u is not None]
    return any_of((f.at_least("serum_m", limits.serum_m), any(known) if known else None, _light_chains(f)))


def _light_chains(f: Facts) -> bool | None:
    kappa, lam, limits = f.reported("flc_kappa"), f.reported("flc_lambda"), f.trial.measurable
    if kappa is None or lam is None:
        return None
    enough = AsReported(limits.flc_involved)
    high = all_of((exceeds(kappa, lam.times(limits.ratio_high)), reaches(kappa, enough)))
    low = all_of((exceeds(lam.times(limits.ratio_low), kappa), reaches(lam, enough)))
    return any_of((high, low))


def _creatinine(f: Facts) -> bool | None:
    value, limit = f.reported("creatinine"), f.number("creatinine_uln")
    above = None if value is None or limit is None else exceeds(value, AsReported(Decimal("1.5") * limit))
    return None if above is None else not above


def _pregnancy(f: Facts) -> bool | None:
    if f.word("sex") == "M" or f.flag("wocbp") is False:
        return True
    if f.word("sex") is None or f.flag("wocbp") is None:
        return None
    result, days = f.word("pregnancy_test"), f.number("pregnancy_test_days")
    in_time = None if days is None else 0 <= days <= f.trial.config.pregnancy_test_days
    return all_of((None if result is None else result == "neg", in_time))


def _infection(f: Facts) -> bool | None:
    days = f.number("iv_antibiotic_days")
    antibiotics = True if f.word("iv_antibiotic_days") == "never" else None if days is None else days > INFECTION_DAYS
    return all_of((f.no("active_infection"), antibiotics, f.none_counts(ANTIBIOTIC)))


def _slim(f: Facts) -> bool | None:
    limits = f.trial.mde
    kappa, lam, lesions = f.reported("flc_kappa"), f.reported("flc_lambda"), f.number("mri_focal_lesions")
    marrow = f.at_least("bm_pc", limits.marrow_clonal_pct)
    chains = None
    if kappa is not None and lam is not None:
        enough = AsReported(limits.flc_involved)
        chains = any_of(
            all_of((reaches(high, enough), reaches(high, low.times(limits.flc_ratio))))
            for high, low in ((kappa, lam), (lam, kappa))
        )
    present = any_of((marrow, chains, None if lesions is None else lesions > limits.focal_lesions_over))
    return None if present is None else not present


RULES: Mapping[str, Callable[[Facts], bool | None]] = {
    "I01": lambda f: f.at_least("age", "18"),
    "I02": lambda f: None if (code := f.word("diagnosis")) is None else code in ("SMM", "IMM"),
    "I03": _qualifies,
    "I04": _measurable,
    "I05": lambda f: f.no("needs_chemo"),
    "I06": lambda f: None if (ecog := f.number("ecog")) is None else ecog == 0,
    "I07": lambda f: f.at_least("wbc", "3.5"),
    "I08": lambda f: f.at_least("anc", "1.7"),
    "I09": _creatinine,
    "I10": lambda f: any_of((f.flag("self_inject"), f.flag("caregiver"))),
    "I11": _pregnancy,
    "E01": lambda f: all_of((f.no("active_myeloma", "amyloidosis", "tnf_or_thalidomide"), f.none_counts(AGENT))),
    "E02": lambda f: True if f.word("sex") == "M" else f.no("pregnant", "nursing"),
    "E03": _infection,
    "E04": lambda f: f.no("active_malignancy"),
    "E05": lambda f: None if (nyha := f.number("nyha")) is None else nyha <= 2,
    "E06": lambda f: f.no("immunosuppressive_disease"),
    "E07": lambda f: f.no("asthma_ibd", "debilitating_illness"),
    "E08": lambda f: f.flag("washout_ok"),
    "E09": lambda f: f.no("ecoli_hypersensitivity"),
    "E10": _slim,
}
