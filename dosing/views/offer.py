"""What an investigator can answer on a response page, and what agreeing would start and create."""

from __future__ import annotations

from typing import Any

from dosing import selectors
from dosing.decision_forms import DecisionForm
from dosing.selectors.creation import creation
from dosing.selectors.shown import OVERRIDABLE
from dosing.services.decisions import offered_phase, possible_phases
from dosing.views.response_page import Page, creation_lines
from dosing.vocabulary import ACTIONABLE, PHASE_SPAN, PHASE_WORDS
from protocol.vocabulary import Phase
from trialsite import clock
from trialsite.templatetags.edc import day


def can_decide(page: Page) -> bool:
    is_current = page.is_pending and not page.changed and page.evaluating_since is None
    return is_current and (page.kind in ACTIONABLE or page.kind in OVERRIDABLE)


def decision_form(page: Page, data: Any = None) -> DecisionForm:
    today = clock.today(page.subject.site.time_zone)
    initial = {
        "proposal": page.proposal.pk if page.proposal else None,
        "shown": page.digest,
        "decision": DecisionForm.AGREE if offered_on(page) else DecisionForm.NOT_YET,
        "starts_on": day(today),
    }
    return DecisionForm(
        data,
        initial=initial,
        phases=signable_on(page),
        offered=offered_on(page),
        status=page.content["status"],
        today=today,
    )


def offered_on(page: Page) -> Phase | None:
    to = page.content.get("to", "")
    return offered_phase(page.kind, Phase(to) if to else None)


def signable_on(page: Page) -> tuple[Phase, ...]:
    return tuple(phase for phase in possible_phases(page.subject) if phase is not offered_on(page))


def offer_on(page: Page) -> dict[str, Any]:
    """What agreeing starts and creates, and what stands in its way."""
    offered = offered_on(page)
    today = clock.today(page.subject.site.time_zone)
    return {
        "offered_words": PHASE_WORDS[offered] if offered else "",
        "creates": creation_lines(creation(page.subject, offered, today)) if offered else [],
        "instead": [
            (PHASE_WORDS[phase], PHASE_SPAN[phase].lower(), creation_lines(creation(page.subject, phase, today)))
            for phase in signable_on(page)
        ],
        "dose_unconfirmed": _unconfirmed(page),
    }


def _unconfirmed(page: Page) -> str:
    """Whether the missing dose in mg stands in the way of what is offered, or of what is possible instead."""
    if selectors.high_dex_mg(page.subject.protocol_version) is not None:
        return ""
    if offered_on(page) is Phase.HIGH_DEX:
        return "offered"
    return "possible" if Phase.HIGH_DEX in signable_on(page) else ""
