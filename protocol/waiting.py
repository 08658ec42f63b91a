"""When a site is reminded of what a proposal waits for: a late month-6 sample, a missing confirmation (clinical 0)."""

from dataclasses import dataclass
from datetime import date, timedelta

from protocol.phases import Proposal
from protocol.response import ResponseHistory
from protocol.schema import Protocol
from protocol.vocabulary import ProposalKind


@dataclass(frozen=True)
class WaitingStep:
    """A reminder that is due: so many days after `since`, the end of the window or the unconfirmed sample."""

    since: date
    days: int


def waiting_step(proposal: Proposal, history: ResponseHistory, as_of: date, trial: Protocol) -> WaitingStep | None:
    """The newest reminder that has fallen due, None while there is none. Older ones are overtaken by it."""
    since, steps = _waits(proposal, history, trial)
    if since is None:
        return None
    due = [days for days in steps if since + timedelta(days=days) <= as_of]
    return WaitingStep(since, due[-1]) if due else None


def _waits(proposal: Proposal, history: ResponseHistory, trial: Protocol) -> tuple[date | None, tuple[int, ...]]:
    """What it counts from, and the days after which it reminds."""
    if proposal.kind is ProposalKind.AWAIT_DATA and proposal.window is not None:
        return proposal.window[1], trial.config.late_sample_reminder_days
    if proposal.kind is ProposalKind.AWAIT_CONFIRMATION and history.latest_evaluable is not None:
        return history.latest_evaluable.on, trial.config.confirmation_reminder_days
    return None, ()
