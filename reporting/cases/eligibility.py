"""Eligibility vectors: only the criteria whose inputs are given are judged."""

from collections.abc import Mapping
from decimal import Decimal

from protocol.eligibility import Evidence, Judgement, Value, judge
from protocol.schema import Protocol
from protocol.vocabulary import CriterionOutcome
from reporting.cases.reader import Malformed, Object, as_decimal, as_object, need

Computed = dict[str, object]
_ONE = Decimal(1)
#: Input key -> evidence name and factor to its unit; booleans and words go in unchanged.
_INPUTS: Mapping[str, tuple[str, Decimal | None]] = {
    "age": ("age", _ONE),
    "diagnosis": ("diagnosis", None),
    "bm_pc_pct": ("bm_pc", _ONE),
    "heavy_chain": ("heavy_chain", None),
    "serum_m_g_dl": ("serum_m", _ONE),
    "serum_m_g_l": ("serum_m", Decimal("0.1")),
    "urine_lc_g_24h": ("urine_lc", Decimal(1000)),
    "urine_lc_mg_24h": ("urine_lc", _ONE),
    "urine_m_mg_24h": ("urine_m", _ONE),
    "urine_m_g_24h": ("urine_m", Decimal(1000)),
    "flc_kappa_mg_l": ("flc_kappa", _ONE),
    "flc_lambda_mg_l": ("flc_lambda", _ONE),
    "ecog": ("ecog", _ONE),
    "wbc_per_mm3": ("wbc", Decimal("0.001")),
    "anc_per_mm3": ("anc", Decimal("0.001")),
    "wbc_10e9_l": ("wbc", _ONE),
    "anc_10e9_l": ("anc", _ONE),
    "creatinine_mg_dl": ("creatinine", _ONE),
    "creatinine_uln": ("creatinine_uln", _ONE),
    "self_inject": ("self_inject", None),
    "caregiver": ("caregiver", None),
    "sex": ("sex", None),
    "wocbp": ("wocbp", None),
    "pregnancy_test": ("pregnancy_test", None),
    "hcg": ("pregnancy_test", None),
    "pregnancy_test_days": ("pregnancy_test_days", _ONE),
    "active_myeloma": ("active_myeloma", None),
    "amyloidosis": ("amyloidosis", None),
    "tnf_or_thalidomide": ("tnf_or_thalidomide", None),
    "pregnant": ("pregnant", None),
    "nursing": ("nursing", None),
    "active_infection": ("active_infection", None),
    "infection_iv_abx_weeks": ("iv_antibiotic_days", Decimal(7)),
    "infection_iv_abx_days": ("iv_antibiotic_days", _ONE),
    "active_malignancy": ("active_malignancy", None),
    "nyha": ("nyha", _ONE),
    "needs_chemo": ("needs_chemo", None),
    "immunosuppressive_disease": ("immunosuppressive_disease", None),
    "asthma_ibd": ("asthma_ibd", None),
    "debilitating_illness": ("debilitating_illness", None),
    "ecoli_hypersensitivity": ("ecoli_hypersensitivity", None),
    "mri_focal_lesions": ("mri_focal_lesions", _ONE),
}
_WORDS = {"negative": "neg", "positive": "pos"}
#: What a vector leaves out beside a given input of the same criterion does not stand in the way.
_COMPANIONS: Mapping[str, Value] = {
    "active_myeloma": False,
    "amyloidosis": False,
    "tnf_or_thalidomide": False,
    "pregnant": False,
    "nursing": False,
    "active_infection": False,
    "iv_antibiotic_days": "never",
    "asthma_ibd": False,
    "debilitating_illness": False,
    "wocbp": True,
    "pregnancy_test_days": 0,
}


def eligibility(row: Object, trial: Protocol, where: str) -> Computed:
    inputs = as_object(need(row, "inputs", where), f"{where}: inputs")
    given = dict(_evidence(key, value, where) for key, value in inputs.items())
    companions = {name: Evidence(value) for name, value in _COMPANIONS.items() if name not in given}
    judged = [j for j in judge({**companions, **given}, trial) if _is_judged(j, given, trial)]
    failed = [_name(j) for j in judged if j.outcome is not CriterionOutcome.MET]
    return {"expected_eligible": not failed, "expected_failed": failed}


def _evidence(key: str, value: object, where: str) -> tuple[str, Evidence]:
    if key not in _INPUTS:
        raise Malformed(f"{where}: {key} is not an input of a criterion.")
    name, factor = _INPUTS[key]
    if value is None:
        return name, Evidence("never" if name == "iv_antibiotic_days" else None)
    if factor is not None:
        return name, Evidence(as_decimal(value, f"{where}: {key}") * factor)
    if not isinstance(value, bool | str):
        raise Malformed(f"{where}: {key} is neither text nor true or false.")
    return name, Evidence(_WORDS.get(value, value) if isinstance(value, str) else value)


def _is_judged(judgement: Judgement, given: Mapping[str, Evidence], trial: Protocol) -> bool:
    """Its own inputs are given, or those it shares decide it."""
    if judgement.outcome is CriterionOutcome.NOT_APPLICABLE:
        return False
    criterion = next(c for c in trial.criteria if c.id == judgement.criterion_id)
    if any(name in given for name in criterion.own):
        return True
    shared = any(name in given for name in criterion.inputs)
    return shared and judgement.outcome is not CriterionOutcome.INDETERMINATE


def _name(judgement: Judgement) -> str:
    missing = judgement.outcome is CriterionOutcome.INDETERMINATE
    return f"{judgement.criterion_id}:INDETERMINATE" if missing else judgement.criterion_id
