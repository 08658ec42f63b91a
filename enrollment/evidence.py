"""From what is stored about one subject to the evidence that the eligibility rules read.

Values from the laboratory are taken, never typed again, and recorded medications are read beside what is answered
about them; everything carries the reference to its source record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from enrollment.models import Consent, ScreeningAnswer, Waiver
from enrollment.questions import NO, QUESTIONS, UNKNOWN, YES, Question, Reads
from protocol.eligibility import Evidence, Value, kind_of, record_name
from protocol.explain import plain
from protocol.measurements import Course, Measurement
from protocol.medicines import AGENT, ANTIBIOTIC, COUNTS, INFECTION_DAYS, Recorded, kind_read
from protocol.schema import Protocol
from protocol.units import canonical_unit
from protocol.vocabulary import Analyte, LabKind
from trialsite.days import in_words
from trialsite.models import Subject, Visit

ADULT = 18


@dataclass(frozen=True)
class Facts:
    """Everything that is known about one subject in screening."""

    subject: Subject
    consent: Consent | None
    answers: Mapping[str, ScreeningAnswer]
    course: Course
    screening_visit: Visit | None
    waivers: tuple[Waiver, ...] = ()
    medicines: tuple[Recorded, ...] = ()


@dataclass(frozen=True)
class _Measured:
    """Evidence that a laboratory gives: from which analytes, and how old it may be at registration.

    limit: name of the protocol's switch that holds the days. lasting: a code that counts whatever its age.
    """

    analytes: tuple[Analyte, ...]
    limit: str = "screening_days"
    lasting: str = ""


#: Evidence name -> where it is measured. A pregnancy test that is too old is repeated, a positive one stands.
MEASURED: Mapping[str, _Measured] = {
    "bm_pc": _Measured((Analyte.BM_PC,), "screening_marrow_days"),
    "serum_m": _Measured((Analyte.SERUM_M,)),
    "urine_m": _Measured((Analyte.URINE_M,)),
    "urine_lc": _Measured((Analyte.URINE_M,)),
    "flc_kappa": _Measured((Analyte.FLC_KAPPA,)),
    "flc_lambda": _Measured((Analyte.FLC_LAMBDA,)),
    "wbc": _Measured((Analyte.WBC,)),
    "anc": _Measured((Analyte.ANC,)),
    "creatinine": _Measured((Analyte.CREATININE,)),
    "ecog": _Measured((Analyte.ECOG,)),
    "pregnancy_test": _Measured((Analyte.HCG_SERUM, Analyte.HCG_URINE), "pregnancy_test_days", "pos"),
}


_FROM_LABORATORY = ("lab_result:", "disease_assessment:")
#: What is told beside a measured value and is as old as it.
_MEASURED_BESIDE: Mapping[str, str] = {"creatinine_uln": "creatinine", "pregnancy_test_days": "pregnancy_test"}


def gather(facts: Facts, trial: Protocol, as_of: date | None) -> dict[str, Evidence]:
    """Evidence by name, as it stands for a registration on `as_of`.

    None: what is stored, whatever its age, with dates instead of days. That is what a fingerprint rests on.
    """
    found = {name: item for name, one in MEASURED.items() if (item := _measured(facts, one, trial, as_of))}
    found |= {
        QUESTIONS[item].evidence: _answered(QUESTIONS[item], answer, as_of)
        for item, answer in facts.answers.items()
        if QUESTIONS[item].evidence not in found
    }
    found |= _from_visit(facts, found)
    found |= _person(facts)
    found |= _creatinine_limit(facts)
    found |= _pregnancy_days(found, as_of)
    found |= recorded_medicines(facts.medicines, as_of)
    return found | _lesions(facts, trial, as_of)


def _measured(facts: Facts, where: _Measured, trial: Protocol, as_of: date | None) -> Evidence | None:
    newest = _newest(facts.course, where.analytes, as_of)
    if newest is None:
        return None
    unit = canonical_unit(newest.analyte)
    limit: int = getattr(trial.config, where.limit)
    if as_of is None or newest.collected_on >= as_of - timedelta(days=limit) or newest.coded == where.lasting != "":
        value: Value = newest.coded or newest.value
        return Evidence(value, newest.collected_on, unit, newest.source, newest.comparator)
    shown = newest.coded or f"{newest.comparator}{plain(newest.value or Decimal(0))}"
    return Evidence(None, newest.collected_on, unit, newest.source, f"{shown} is older than {limit} days")


def counts_until(name: str, item: Evidence, trial: Protocol) -> date | None:
    """Last day of registration for which a measured value still counts; None for what does not grow old."""
    where = MEASURED.get(_MEASURED_BESIDE.get(name, name))
    if where is None or item.on is None or not item.source.startswith(_FROM_LABORATORY):
        return None
    if where.lasting and item.value == where.lasting:
        return None
    limit: int = getattr(trial.config, where.limit)
    return item.on + timedelta(days=limit)


def _newest(course: Course, analytes: tuple[Analyte, ...], as_of: date | None) -> Measurement | None:
    """The last result with a value; of two on one day the central laboratory's, then the later one."""
    usable = [
        one
        for one in course.measurements
        if one.analyte in analytes and one.has_value and (as_of is None or one.collected_on <= as_of)
    ]
    return max(
        usable,
        key=lambda one: (one.collected_on, one.lab is LabKind.CENTRAL, one.collected_time, one.source),
        default=None,
    )


def _answered(question: Question, answer: ScreeningAnswer, as_of: date | None) -> Evidence:
    source = f"screening_answer:{answer.pk}"
    return Evidence(_read(question, answer, as_of), answer.evidence_on, "", source)


def _read(question: Question, answer: ScreeningAnswer, as_of: date | None) -> Value:
    if answer.value == UNKNOWN:
        return None
    readers: dict[Reads, Callable[[], Value]] = {
        Reads.FLAG: lambda: answer.value == YES,
        Reads.WORD: lambda: answer.value,
        Reads.NUMBER: lambda: int(answer.value),
        Reads.DAYS_SINCE: lambda: _days_since(answer, as_of),
    }
    return readers[question.reads]()


def _days_since(answer: ScreeningAnswer, as_of: date | None) -> Value:
    if answer.value == NO:
        return "never"
    if answer.evidence_on is None:
        return None
    return answer.evidence_on.isoformat() if as_of is None else (as_of - answer.evidence_on).days


def _from_visit(facts: Facts, found: Mapping[str, Evidence]) -> dict[str, Evidence]:
    """The performance status that was entered with the screening visit stands before an answer given here."""
    visit = facts.screening_visit
    measured = "ecog" in found and not found["ecog"].source.startswith("screening_answer")
    if visit is None or visit.ecog is None or measured:
        return {}
    return {"ecog": Evidence(visit.ecog, visit.occurred_on, "", f"visit:{visit.pk}")}


def _person(facts: Facts) -> dict[str, Evidence]:
    consent = facts.consent
    sex = {"sex": Evidence(facts.subject.sex, None, "", f"subject:{facts.subject.pk}")}
    if consent is None:
        return sex
    age = age_at_consent(facts.subject.birth_year, consent.consented_on, is_adult=consent.is_adult)
    return sex | {"age": Evidence(age, consent.consented_on, "a", f"consent:{consent.pk}", "approximate")}


def age_at_consent(birth_year: int, consented_on: date, *, is_adult: bool) -> int:
    """Age in years as far as it is known: the year of birth gives two, the statement decides between 17 and 18."""
    younger = consented_on.year - birth_year - 1
    if younger == ADULT - 1:
        return ADULT if is_adult else ADULT - 1
    return younger


def _creatinine_limit(facts: Facts) -> dict[str, Evidence]:
    """The upper limit that the laboratory gave with the very result that is judged."""
    newest = _newest(facts.course, (Analyte.CREATININE,), None)
    if newest is None or newest.uln is None:
        return {}
    unit = canonical_unit(Analyte.CREATININE)
    return {"creatinine_uln": Evidence(newest.uln, newest.collected_on, unit, newest.source, "upper limit")}


def _pregnancy_days(found: Mapping[str, Evidence], as_of: date | None) -> dict[str, Evidence]:
    test = found.get("pregnancy_test")
    if test is None or test.value is None or test.on is None or as_of is None:
        return {}
    return {"pregnancy_test_days": Evidence((as_of - test.on).days, test.on, "d", test.source)}


def _lesions(facts: Facts, trial: Protocol, as_of: date | None) -> dict[str, Evidence]:
    limit = timedelta(days=trial.config.screening_marrow_days)
    seen = [
        one
        for one in facts.course.findings
        if one.mri_focal_lesions is not None and (as_of is None or as_of - limit <= one.on <= as_of)
    ]
    if not seen:
        return {}
    newest = max(seen, key=lambda one: (one.on, one.source))
    return {"mri_focal_lesions": Evidence(newest.mri_focal_lesions, newest.on, "", newest.source)}


def recorded_medicines(medicines: Iterable[Recorded], as_of: date | None) -> dict[str, Evidence]:
    """Each recorded medication that a criterion reads, also where it does not count: `value` says whether it does.

    What surely began after the day is left out. For a fingerprint only what is recorded matters.
    """
    return {
        record_name(kind, one.source): Evidence(
            None if as_of is None else COUNTS[kind](one, as_of), None, "", one.source, one.told
        )
        for one in medicines
        if (kind := kind_read(one)) and (as_of is None or one.began.earliest <= as_of)
    }


# -- words

_LABELS: Mapping[str, str] = {
    "age": "Age",
    "sex": "Sex",
    "bm_pc": "Marrow",
    "serum_m": "M-spike",
    "urine_m": "Urine M-protein",
    "urine_lc": "Urine light chain",
    "flc_kappa": "FLC kappa",
    "flc_lambda": "FLC lambda",
    "wbc": "White cells",
    "anc": "Neutrophils",
    "creatinine": "Creatinine",
    "creatinine_uln": "Upper limit",
    "ecog": "ECOG",
    "pregnancy_test": "Pregnancy test",
    "pregnancy_test_days": "Days before registration",
    "mri_focal_lesions": "Focal MRI lesions",
    "iv_antibiotic_days": "Intravenous antibiotics, days ago",
}
#: Kind of record -> what is said of one that counts, may count, and does not.
_COUNTS_IN_WORDS: Mapping[str, Mapping[Value, str]] = {
    AGENT: {
        True: "taken on that day",
        None: "may be taken on that day: the exact days decide",
        False: "not taken on that day",
    },
    ANTIBIOTIC: {
        True: f"within {INFECTION_DAYS} days before registration",
        None: f"may count within {INFECTION_DAYS} days before registration: the route or the exact days decide",
        False: f"not intravenous within {INFECTION_DAYS} days before registration",
    },
}
_UNITS: Mapping[str, str] = {"10*9/L": "× 10⁹/L", "mg/(24.h)": "mg/24 h", "d": ""}
_CODES: Mapping[str, str] = {"neg": "negative", "pos": "positive", "F": "female", "M": "male"}


def label_of(name: str) -> str:
    """What the evidence is called on pages."""
    if kind_of(name) in COUNTS:
        return "Medication"
    asked = next((question.words for question in QUESTIONS.values() if question.evidence == name), name)
    return _LABELS.get(name, asked)


def value_in_words(name: str, evidence: Evidence) -> str:
    """The value with its unit, for example "2.6 g/dL"; why there is none where there is none."""
    value = evidence.value
    if (kind := kind_of(name)) in COUNTS:
        return f"{evidence.note}: {_COUNTS_IN_WORDS[kind][value]}"
    if value is None:
        return evidence.note or "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name == "age":
        return f"at least {value} years"
    text = _chosen(name, str(value)) if isinstance(value, str | int) else plain(value)
    return f"{evidence.sign}{text} {_UNITS.get(evidence.unit, evidence.unit)}".strip()


def _chosen(name: str, code: str) -> str:
    """The words of a code: those of the question's choice, where a question gave it."""
    asked = next((question for question in QUESTIONS.values() if question.evidence == name), None)
    words = dict(asked.choices if asked else ()).get(code, code)
    return _CODES.get(code) or (words if words == code or words.isupper() else words.lower())


def day_in_words(evidence: Evidence) -> str:
    return in_words(evidence.on) if evidence.on else ""
