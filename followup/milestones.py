"""When a casebook is due to be signed, and which signatures a lock would miss."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from dosing.selectors import broken_decisions
from dosing.vocabulary import PHASE_WORDS as TREATMENT_WORDS
from enrollment.models import Registration
from followup.casebook import Casebook, FormChange, casebooks_of, changes_between
from followup.selectors import standing_end_of_treatment
from protocol.vocabulary import TERMINAL_PHASES, Phase
from trialsite.models import Signature, SignatureEvent, Subject, Visit
from trialsite.services.signatures import digest

RECORD = "casebook"
WITHDRAWN = SignatureEvent.Kind.WITHDRAWN
MONTH_6, END, LOCK = "month 6", "end of treatment", "before lock"
BEFORE_DECISION = frozenset({Phase.SCREENING, Phase.ENROLLED, Phase.INDUCTION})


def milestones_reached(subject: Subject, visit_codes: Collection[str]) -> tuple[str, ...]:
    """Points at which the investigator signs the casebook, as far as the subject has come.

    Month 6 is reached once its visit is entered and the decision on it has ended induction.
    """
    if subject.subject_number is None or subject.entered_in_error_at is not None:
        return ()
    phase = Phase(subject.state)
    reached = {
        MONTH_6: "m06" in visit_codes and phase not in BEFORE_DECISION,
        END: subject.treatment_ended_on is not None,
        LOCK: phase in TERMINAL_PHASES,
    }
    return tuple(name for name, is_reached in reached.items() if is_reached)


@dataclass(frozen=True)
class Mark:
    """The newest signature under a casebook: how many came before it, for which milestones, and how it ended.

    ended: kind of the event that ended it, empty while it stands.
    """

    subject_id: int
    signature_id: int
    number: int
    milestones: tuple[str, ...]
    ended: str = ""


def casebook_marks(subject_ids: Iterable[int]) -> dict[int, Mark]:
    """The newest signature under each casebook; one query."""
    ending = SignatureEvent.objects.filter(signature=OuterRef("pk")).order_by("id").values("kind")[:1]
    rows = (
        _signatures(subject_ids)
        .order_by("subject_id", "-id")
        .distinct("subject_id")
        .annotate(how=Subquery(ending))
        .values_list("subject_id", "pk", "content__number", "content__milestones", "how")
    )
    return {
        subject_id: Mark(subject_id, pk, number, tuple(milestones), how or "")
        for subject_id, pk, number, milestones, how in rows
        if subject_id is not None
    }


def _signatures(subject_ids: Iterable[int]) -> QuerySet[Signature]:
    return Signature.objects.filter(record_type=RECORD, subject_id__in=list(subject_ids))


def due_for(reached: tuple[str, ...], mark: Mark | None) -> tuple[str, ...]:
    """Milestones for which a signature is due: all of them again once the newest signature does not stand."""
    if mark is None:
        return reached
    if mark.ended:
        return reached or mark.milestones
    return tuple(name for name in reached if name not in mark.milestones)


@dataclass(frozen=True)
class Reading:
    """One casebook as it would be signed now: what is signed, and what changed since it was signed last.

    `last`: the newest signature, standing or not. `shown` is the digest of exactly this content.
    """

    subject: Subject
    content: Mapping[str, Any]
    changes: tuple[FormChange, ...]
    last: Signature | None
    is_broken: bool
    due: tuple[str, ...]

    @property
    def ended_words(self) -> str:
        """How the newest signature ended: "broken", also by what nobody marked yet, or "withdrawn"; empty if not."""
        is_withdrawn = self.last is not None and any(one.kind == WITHDRAWN for one in self.last.events.all())
        return "withdrawn" if is_withdrawn else "broken" if self.is_broken else ""

    @property
    def shown(self) -> str:
        return digest(self.content)

    @property
    def number_of_forms(self) -> int:
        return len(self.content["forms"])

    @property
    def can_be_signed(self) -> bool:
        """False while the standing signature covers everything."""
        return self.last is None or self.is_broken or bool(self.changes) or bool(self.due)


def readings(subjects: Iterable[Subject]) -> list[Reading]:
    """The casebooks of these subjects, in their order; the number of queries does not grow with them."""
    wanted = list(subjects)
    ids = [subject.pk for subject in wanted]
    books, last, codes = casebooks_of(ids), _last(ids), _visit_codes(ids)
    return [_reading(one, books[one.pk], last.get(one.pk), codes.get(one.pk, frozenset())) for one in wanted]


def _last(ids: list[int]) -> dict[int, Signature]:
    rows = _signatures(ids).order_by("subject_id", "-id").distinct("subject_id").prefetch_related("events")
    return {row.subject_id: row for row in rows if row.subject_id is not None}


def _visit_codes(ids: list[int]) -> dict[int, frozenset[str]]:
    rows = Visit.objects.filter(subject_id__in=ids).exclude(status=Visit.Status.IN_ERROR)
    found: dict[int, set[str]] = {}
    for subject_id, code in rows.values_list("subject_id", "code"):
        found.setdefault(subject_id, set()).add(code)
    return {subject_id: frozenset(codes) for subject_id, codes in found.items()}


def _reading(subject: Subject, book: Casebook, last: Signature | None, codes: frozenset[str]) -> Reading:
    reached = milestones_reached(subject, codes)
    content = {
        "subject": subject.number,
        "number": last.content["number"] + 1 if last else 1,
        "milestones": list(reached),
        "forms": book.forms,
        "versions": book.versions,
    }
    changes = changes_between(last.content["forms"] if last else {}, book.forms)
    is_broken = last is not None and (bool(last.events.all()) or any(one.alters for one in changes))
    mark = _mark(subject, last, is_broken=is_broken) if last else None
    return Reading(subject, content, changes, last, is_broken, due_for(reached, mark))


def _mark(subject: Subject, last: Signature, *, is_broken: bool) -> Mark:
    milestones = tuple(last.content["milestones"])
    return Mark(subject.pk, last.pk, last.content["number"], milestones, "broken" if is_broken else "")


def missing_signatures(subject: Subject) -> list[str]:
    """Required signatures that are missing or broken, each in a sentence: what the lock of a subject would refuse on.

    Empty if eligibility, every decision, the end of treatment and the whole casebook stand signed.
    """
    found = []
    registered = Registration.objects.select_related("snapshot").filter(subject=subject).first()
    if registered is not None and _has_ended(registered.snapshot.signature_id):
        found.append("The signature under eligibility is broken.")
    for decision in broken_decisions([subject.pk]):
        phase = TREATMENT_WORDS[Phase(decision.to_phase)].lower()
        found.append(f"The signature under the decision to start {phase} is broken.")
    ended = standing_end_of_treatment(subject)
    if ended is not None and _has_ended(ended.signature_id):
        found.append("The signature under the end of treatment is broken.")
    (reading,) = readings([subject])
    return [*found, *_missing_casebook(reading)]


def _has_ended(signature_id: int | None) -> bool:
    return signature_id is None or SignatureEvent.objects.filter(signature_id=signature_id).exists()


def _missing_casebook(reading: Reading) -> list[str]:
    if reading.last is None:
        return ["The casebook is not signed."]
    if reading.is_broken:
        return [f"The signature under the casebook is {reading.ended_words}."]
    if reading.changes or reading.due:
        return ["The casebook has entries that are not signed."]
    return []
