"""What the response page shows: steps, verdict, trace, results, decision, signatures. Reads only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Any

from dosing import selectors
from dosing.models import AssignmentDiscrepancy, PhaseDecision, PhaseProposal
from dosing.selectors.creation import Creation
from dosing.selectors.reviews import reaffirmation, response_review
from dosing.selectors.shown import DECIDED_AT, NO_SLOT, computed
from dosing.selectors.standing import RESPONSE_RECORD
from dosing.views.comparison import readings_of, signed_side
from dosing.views.trace import (
    UsedRow,
    datum,
    readable,
    short_visit,
    source_urls,
    trace_of,
    used_rows,
    visit_words,
)
from dosing.vocabulary import PHASE_SPAN, PHASE_WORDS, PROPOSAL_WORDS, response_words
from protocol.vocabulary import Phase, ProposalKind
from trialsite.days import in_words
from trialsite.models import Signature, SignatureEvent, Subject
from trialsite.services.signatures import digest
from trialsite.templatetags.edc import moment


@dataclass(frozen=True)
class Step:
    state: str
    title: str
    note: str


@dataclass(frozen=True)
class SignedView:
    """A signature as it is printed: name, time, meaning (21 CFR 11.50), and how it ended, if it did."""

    pk: int
    signer_id: int
    printed_name: str
    meaning: str
    signed_at: datetime
    broken_at: datetime | None
    broken_because: str
    ended: str = "Broken"


@dataclass(frozen=True)
class Page:
    """Everything that is known about one response, whoever looks at it."""

    subject: Subject
    code: str
    proposal: PhaseProposal | None
    decision: PhaseDecision | None
    content: Mapping[str, Any]
    changed: bool
    signatures: list[SignedView]
    discrepancy: AssignmentDiscrepancy | None
    #: Where no signature stands under a decision: what signing again would sign, and what the last one covered.
    again: Mapping[str, Any] | None = None
    as_signed: Mapping[str, Any] | None = None

    @cached_property
    def evaluating_since(self) -> datetime | None:
        """When the results arrived that are not evaluated yet: until they are, nothing here is signed."""
        return selectors.being_evaluated_since(self.subject)

    @cached_property
    def failure(self) -> str:
        """Why they cannot be evaluated, in words; asked only while results wait."""
        return selectors.why_not_evaluated(self.subject) if self.evaluating_since else ""

    @property
    def kind(self) -> ProposalKind | None:
        return ProposalKind(self.proposal.kind) if self.proposal else None

    @property
    def is_pending(self) -> bool:
        return self.proposal is not None and self.proposal.status == PhaseProposal.Status.PENDING

    @property
    def is_broken(self) -> bool:
        return self.decision is not None and all(one.broken_at for one in self.signatures)

    @property
    def is_withdrawn(self) -> bool:
        """The last signature was taken back by its signer; results did not change."""
        return self.is_broken and self.signatures[-1].ended == SignatureEvent.Kind.WITHDRAWN.label

    @property
    def stands(self) -> bool:
        """A signature holds."""
        return any(not one.broken_at for one in self.signatures)

    @property
    def digest(self) -> str:
        return self.proposal.fingerprint if self.proposal else digest(self.content)


def page_for(subject: Subject, code: str, today: date, proposal_id: int | None = None) -> Page | None:
    """The page of one visit's response; None for a visit that never has one.

    The newest proposal made at that visit, or the one asked for; else the visit's time point as derived now.
    """
    made = PhaseProposal.objects.filter(subject=subject, detail__code=code).select_related("assessment")
    wanted = made.filter(pk=proposal_id) if proposal_id else made
    proposal = wanted.order_by("-id").first()
    if proposal is None:
        return _page_without_proposal(subject, code, today)
    decision = PhaseDecision.objects.filter(proposal=proposal).select_related("signature", "proposal").first()
    pending = proposal.status == PhaseProposal.Status.PENDING
    if decision is not None:
        return _decided_page(subject, code, proposal, decision)
    content = proposal.detail
    if content["point"] is None:
        content = {**content, **(response_review(subject, code, today) or {})}
    changed = pending and computed(subject, today).fingerprint != proposal.fingerprint
    return Page(subject, code, proposal, None, content, changed, [], None)


def _decided_page(subject: Subject, code: str, proposal: PhaseProposal, decision: PhaseDecision) -> Page:
    """What the standing signature covers; where none stands, what a new one would, beside what the last one did."""
    signatures = selectors.signatures_of(decision)
    newest = signatures[-1]
    stands = not newest.events.all()
    signed = decision.snapshot["shown"] if newest.pk == decision.signature_id else newest.content["shown"]
    again = None if stands else reaffirmation(subject, decision)
    return Page(
        subject=subject,
        code=code,
        proposal=proposal,
        decision=decision,
        content=again["shown"] if again else signed,
        changed=False,
        signatures=[signed_view(one) for one in signatures],
        discrepancy=AssignmentDiscrepancy.objects.filter(decision=decision).last(),
        again=again,
        as_signed=None if stands else signed,
    )


def _page_without_proposal(subject: Subject, code: str, today: date) -> Page | None:
    content = response_review(subject, code, today)
    if content is None and code not in {*DECIDED_AT.values(), NO_SLOT}:
        return None
    nothing: dict[str, Any] = {"subject": subject.number, "code": code, "status": "", "point": None, "used": []}
    return Page(subject, code, None, None, content or nothing, False, response_signatures(subject, code), None)


def response_signatures(subject: Subject, code: str) -> list[SignedView]:
    """Every signature under the response at that visit, oldest first, also those that stand no more."""
    given = Signature.objects.filter(subject=subject, record_type=RESPONSE_RECORD, content__code=code)
    return [signed_view(one) for one in given.prefetch_related("events").order_by("id")]


def signed_view(signature: Signature) -> SignedView:
    ended = next(iter(signature.events.all()), None)
    return SignedView(
        pk=signature.pk,
        signer_id=signature.signer_id,
        printed_name=signature.printed_name,
        meaning=signature.meaning.capitalize(),
        signed_at=signature.signed_at,
        broken_at=ended.at if ended else None,
        broken_because=ended.reason if ended else "",
        ended=ended.get_kind_display() if ended else "",
    )


def steps_of(page: Page, *, may_sign: bool) -> list[Step]:
    """Data complete, response computed, investigator review, schedule made."""
    point, zone = page.content["point"], page.subject.site.time_zone
    missing = point["missing_critical"] if point else []
    data_note = f"collected {in_words(date.fromisoformat(point['on']))}" if point else "no evaluable sample yet"
    if missing:
        data_note = f"{len(missing)} missing"
    made_at = page.proposal.made_at if page.proposal else None
    computed_note = f"{moment(made_at, zone)}, " if made_at else ""
    return [
        Step("done" if point and not missing else "now", "Data complete", data_note),
        Step("done" if point else "todo", "Response computed", f"{computed_note}rules {_versions(page.content)}"),
        _review_step(page, may_sign),
        _schedule_step(page),
    ]


def _versions(content: Mapping[str, Any]) -> str:
    return f"{content['protocol_version']}, {content['criteria_version']}" if content.get("protocol_version") else "—"


def _review_step(page: Page, may_sign: bool) -> Step:  # noqa: FBT001
    title = "Investigator review"
    if page.is_broken:
        how = "withdrawn" if page.is_withdrawn else "broken"
        return Step("now", title, f"signature {how}, to be signed again")
    if page.decision:
        return Step("done", title, f"signed {moment(page.decision.decided_at, page.subject.site.time_zone)}")
    if page.is_pending and page.content["point"]:
        return Step("now", title, "waiting for you" if may_sign else "waiting for the investigator")
    return Step("todo", title, "nothing to decide yet")


def _schedule_step(page: Page) -> Step:
    if page.decision:
        return Step("done", "Schedule", f"from {in_words(page.decision.starts_on)}")
    return Step("todo", "Schedule", "made after signing")


@dataclass(frozen=True)
class Verdict:
    """The two big words of the page."""

    response: str
    response_note: str
    phase: str
    phase_words: str
    phase_span: str


def verdict_of(page: Page) -> Verdict:
    point, status = page.content["point"], page.content["status"]
    shown = point["timepoint"] if point else status
    note = "Response"
    if point and shown != status:
        note = f"Response at this visit; confirmed status: {response_words(status).lower()}"
    elif point:
        note = "Response, confirmed" if point["confirmed"] == shown else "Response, not confirmed"
    to = page.decision.to_phase if page.decision else page.content.get("to", "")
    if page.kind is ProposalKind.END_OF_PROTOCOL_THERAPY_DECISION and not page.decision:
        return Verdict(response_words(shown), note, "EXTENSION", PROPOSAL_WORDS[page.kind], "End of the phase")
    words = PHASE_WORDS[Phase(to)] if to else PROPOSAL_WORDS[page.kind] if page.kind else ""
    return Verdict(response_words(shown), note, to, words, PHASE_SPAN.get(Phase(to), "") if to else "Next")


def context_of(page: Page, *, may_sign: bool) -> dict[str, Any]:
    """Context of dosing/response.html, without its forms."""
    urls = source_urls(page.subject, {"now": page.content, "then": page.as_signed or {}})
    point = page.content["point"]
    missing = [datum(name) for name in point["missing_critical"]] if point else []
    trace = trace_of(page.content, urls)
    used: list[UsedRow] = used_rows(page.content["used"], urls)
    return {
        "page": page,
        "evaluating_since": page.evaluating_since,
        "failure": page.failure,
        "subject": page.subject,
        "zone": page.subject.site.time_zone,
        "visit": visit_words(page.code),
        "visit_short": short_visit(page.code),
        "steps": steps_of(page, may_sign=may_sign),
        "verdict": verdict_of(page),
        "collected_on": date.fromisoformat(point["on"]) if point else None,
        "tested": trace.categories,
        "trace": trace,
        "used": used,
        "missing": missing,
        "notes": [readable(note) for note in (*page.content.get("notes", []), *(point["notes"] if point else []))],
        "readings": readings_of(page.content),
        "reference": "At high dose" if point and point["epoch"] > 1 else "Baseline",
        "before": signed_side(page.decision, page.as_signed, urls) if page.decision and page.as_signed else None,
        "words": readable(page.content.get("words", "")),
        "waits_for": page.content.get("waits_for", ""),
        "rule": page.content.get("rule", ""),
        "versions": _versions(page.content),
        "flags": [FLAG_WORDS[flag] for flag in page.content.get("flags", [])],
    }


FLAG_WORDS = {
    "DISCORDANT_TIMEPOINT": "The sample of this visit alone is only stable disease; the confirmed status is better.",
    "ACTIVE_MM": "A myeloma-defining event was attributed to myeloma.",
    "MDE_CANDIDATE_UNATTRIBUTED": "A threshold of active myeloma is crossed; the investigator has not attributed it.",
    "ASSIGNMENT_DISCREPANCY": "A correction touches a signed decision.",
}


def creation_lines(made: Creation | None) -> list[str]:
    """What signing will create, in counts."""
    if made is None:
        return []
    lines = [f"{made.anakinra_days} anakinra days, {made.dexamethasone_days} dexamethasone days"]
    if made.first_visit_on:
        plural = "s" if made.visits != 1 else ""
        lines.append(f"{made.visits} monthly visit{plural} from {in_words(made.first_visit_on)}")
    if made.ends_on:
        lines.append(f"a phase from {in_words(made.starts_on)} to {in_words(made.ends_on)}")
    return lines
