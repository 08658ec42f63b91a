"""Is every signature what was signed? Against the audit trail, against its digest, and against the record it is under.

Each kind of record says how it is compared; a kind that says nothing is a fault, so that none is passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import connection

from dosing.models import PhaseDecision
from dosing.selectors import DECISION_RECORD, site_day
from dosing.selectors.reviews import reaffirmation, response_review
from dosing.selectors.standing import RESPONSE_RECORD
from dosing.services import parameters, versions
from enrollment.checklist import signed_content
from enrollment.models import EligibilitySnapshot, Waiver
from enrollment.services import eligibility, waivers
from followup.milestones import RECORD as CASEBOOK
from followup.models import EndOfTreatment
from followup.services import treatment
from labs.models import ResponseAssessment
from protocol.versions import named
from reporting.selectors.replay import Fault, course_known_before, essence
from safety.models import AdverseEvent
from safety.selectors.reports import CAUSALITY
from safety.services.causality import shown as shown_causes
from trialsite.models import ParameterConfirmation, ProtocolActivation, Signature
from trialsite.services.signatures import SIGNED_AGAIN_AT, digest

#: A signature's row beside the event that told of its making: which columns differ, or that one of both is gone.
_ALTERED = """
SELECT coalesce(kept.id::text, made.row_id), coalesce(made.new ->> 'printed_name', kept.printed_name), changed.columns
FROM trialsite_signature AS kept
FULL JOIN (SELECT * FROM audit_event WHERE table_name = 'trialsite_signature' AND op = 'INSERT') AS made
    ON made.row_id = kept.id::text
CROSS JOIN LATERAL (SELECT CASE WHEN kept.id IS NULL THEN '{gone}' WHEN made.id IS NULL THEN '{planted}' ELSE ARRAY(
    SELECT was.key FROM jsonb_each(made.new) AS was WHERE was.value IS DISTINCT FROM to_jsonb(kept) -> was.key
    ORDER BY was.key) END AS columns) AS changed
WHERE changed.columns <> '{}'
ORDER BY 1
"""
#: What belongs to a signature: what it rests on, and what ended it.
_LOST = """
SELECT made.new ->> 'signature_id' FROM audit_event AS made
WHERE made.op = 'INSERT' AND made.table_name = '{table}' AND NOT EXISTS (
    SELECT FROM {table} AS kept WHERE kept.id::text = made.row_id AND NOT EXISTS (
        SELECT FROM jsonb_each(made.new) AS was WHERE was.value IS DISTINCT FROM to_jsonb(kept) -> was.key))
ORDER BY made.id
"""
_WORDS = {"gone": "the row is gone", "planted": "the audit trail does not tell of it"}
_PARTS = {
    "trialsite_signaturebasis": "what it rests on was altered",
    "trialsite_signatureevent": "what broke, superseded or withdrew it was altered",
}


def altered_signatures() -> Iterator[Fault]:
    """Every signature that is not as it was given. Runs inside a `reading` over all sites."""
    yield from against_the_trail()
    for one in Signature.objects.select_related("subject__site", "site").order_by("id").iterator(chunk_size=200):
        for why in _against_the_record(one):
            yield Fault(f"{one.record_type} signature {one.pk} of {one.printed_name}", why)


def against_the_trail() -> Iterator[Fault]:
    """Signatures of any kind of which a column, the basis or the ending is not what the audit trail tells."""
    with connection.cursor() as cursor:
        cursor.execute(_ALTERED)
        for pk, name, columns in cursor.fetchall():
            for column in columns:
                words = _WORDS.get(column, f"{column} is not what was signed")
                yield Fault(f"signature {pk} of {name}", words)
        for table, words in _PARTS.items():
            cursor.execute(_LOST.format(table=table))
            for (pk,) in cursor.fetchall():
                yield Fault(f"signature {pk}", words)


def _against_the_record(one: Signature) -> Iterator[str]:
    if digest(one.content) != one.digest:
        yield "the content does not have the digest that was signed"
        return
    if not one.statement.startswith(f"I, {one.printed_name}, "):
        yield "the statement names another person"
    compare = KINDS.get(one.record_type)
    if compare is None:
        yield f"signatures of the kind {one.record_type} are not known to this command"
        return
    if difference := compare(one, _without_time(one.content)):
        yield difference


def _without_time(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != SIGNED_AGAIN_AT}


@dataclass(frozen=True)
class Beside:
    """What a record says in its own columns, next to what was signed of it."""

    record: str
    says: Mapping[str, object]

    def difference(self, content: Mapping[str, Any]) -> str:
        named_ = next((name for name, value in self.says.items() if content.get(name) != value), "")
        return f"{self.record} gives another {named_.replace('_', ' ')}" if named_ else ""


GONE = "the record under it is gone"


def _decision(one: Signature, content: dict[str, Any]) -> str:
    """The first signature is derived again with its decision; here those that were given again after a change."""
    decision = PhaseDecision.objects.filter(proposal_id=int(one.record_id), subject_id=one.subject_id or 0).first()
    if decision is None or one.subject is None:
        return GONE
    if decision.signature_id == one.pk:
        return ""
    again = reaffirmation(one.subject, decision, course_known_before(one.subject, one.signed_at))
    return "" if essence(again["shown"]) == essence(content["shown"]) else NOT_SHOWN


NOT_SHOWN = "the records as known at the signature do not give what was shown"


def _response(one: Signature, content: dict[str, Any]) -> str:
    if one.subject is None or not ResponseAssessment.objects.filter(pk=one.record_id, subject=one.subject).exists():
        return GONE
    day = site_day(one.subject.site, one.signed_at)
    course, trial = course_known_before(one.subject, one.signed_at), named(content["protocol_version"])
    again = response_review(one.subject, content["code"], day, course, trial)
    return "" if essence(again) == essence(content) else NOT_SHOWN


def _eligibility(one: Signature, content: dict[str, Any]) -> str:
    snapshot = EligibilitySnapshot.objects.filter(pk=one.record_id, subject_id=one.subject_id or 0).first()
    if snapshot is None or one.subject is None:
        return GONE
    trial = named(snapshot.protocol_version)
    says = signed_content(one.subject.screening_number, trial.id, snapshot.judgements)
    return "" if says == content else "the checklist under it is not the one that was signed"


def _waiver(one: Signature, content: dict[str, Any]) -> str:
    waiver = Waiver.objects.filter(pk=one.record_id, subject_id=one.subject_id or 0).first()
    if waiver is None:
        return GONE
    says: dict[str, object] = {"criterion": waiver.judgement, "asked_because": waiver.reason}
    if waiver.signature_id == one.pk:
        says |= {"decision": waiver.decision, "reason": waiver.decision_reason}
    return Beside("the waiver", says).difference(content)


def _causality(one: Signature, content: dict[str, Any]) -> str:
    """An event that was corrected since has broken the signature; one that stands says what was signed."""
    event = AdverseEvent.objects.filter(pk=one.record_id, subject_id=one.subject_id or 0).first()
    if event is None:
        return GONE
    says: Mapping[str, object] = shown_causes(event)
    return "" if one.events.exists() else Beside("the adverse event", says).difference(content)


def _parameter(one: Signature, content: dict[str, Any]) -> str:
    row = ParameterConfirmation.objects.filter(signature=one, name=one.record_id).first()
    if row is None:
        return GONE
    names = ("name", "value", "unit", "protocol_version", "reason")
    return Beside("the confirmation", {name: getattr(row, name) for name in names}).difference(content)


def _activation(one: Signature, content: dict[str, Any]) -> str:
    row = ProtocolActivation.objects.filter(signature=one, version=one.record_id).first()
    if row is None:
        return GONE
    names = ("version", "replaces", "reason")
    return Beside("the activation", {name: getattr(row, name) for name in names}).difference(content)


def _end_of_treatment(one: Signature, content: dict[str, Any]) -> str:
    row = EndOfTreatment.objects.filter(signature=one, subject_id=one.subject_id or 0).first()
    if row is None:
        return GONE
    says = {"last_dose_on": row.last_dose_on.isoformat(), "reason": row.reason, "detail": row.detail}
    return Beside("the end of treatment", says).difference(content)


def _casebook(one: Signature, content: dict[str, Any]) -> str:
    """Its content is the list of versions; their rows never change, and a newer version has broken the signature."""
    if one.subject is None or one.record_id != str(one.subject_id):
        return GONE
    return Beside("the subject", {"subject": one.subject.number}).difference(content)


Compare = Callable[[Signature, dict[str, Any]], str]
#: Every kind of record that is signed, and how a signature is held against it: words for a difference, else empty.
KINDS: Mapping[str, Compare] = {
    DECISION_RECORD: _decision,
    RESPONSE_RECORD: _response,
    eligibility.RECORD: _eligibility,
    waivers.RECORD: _waiver,
    CAUSALITY: _causality,
    parameters.RECORD: _parameter,
    versions.RECORD: _activation,
    treatment.RECORD: _end_of_treatment,
    CASEBOOK: _casebook,
}
