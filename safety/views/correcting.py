"""Correcting one adverse event: the form as it is typed, what lay under it, and what two people changed at once."""

from __future__ import annotations

from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.http import QueryDict

from labs.services import FieldsRefused, ReasonMissing, SavedMeanwhile
from labs.views.correcting import LOOK_FIRST, once_shown
from labs.views.effects import Tried
from labs.views.together import WAS, conflict_of, laid_under, with_choices, with_theirs
from safety import services
from safety.event_forms import BOXES, EventForm, TermForm, answers_of
from safety.models import AdverseEvent
from safety.services import Event
from safety.views.door import who
from safety.vocabulary import TERMS
from trialsite import clock
from trialsite.drafting import is_saved
from trialsite.http import SignedInRequest
from trialsite.models import Subject
from trialsite.partial_dates import tell_today_in_part
from trialsite.services.subjects import Refused


def which(term: str) -> str:
    """What of the address belongs to a draft: an event of each term has one of its own."""
    return urlencode({"term": term})


def posted_event(request: SignedInRequest, event: AdverseEvent) -> QueryDict:
    """What was posted; where a question was settled for the other person, their answer stands in its boxes."""
    return with_choices(request.POST, answers_of(event), BOXES)


def correct(request: SignedInRequest, context: dict[str, Any]) -> str:
    """What to say of the correction; empty where the page says why there is none."""
    form, why, event = context["form"], context["why"], context["event"]
    if not (form.is_valid() and why.is_valid()):
        return ""
    act = partial(
        services.correct_adverse_event,
        **who(request, context["subject"]), number=event.number, event=form.event(),
        seen=_seen(request.POST, context["subject"]), reason=why.words(),
    )  # fmt: skip
    try:
        effects = once_shown(request, context["subject"], act)
    except ReasonMissing as refusal:
        why.add_error("change_reason", str(refusal))
    except SavedMeanwhile as refusal:
        _ask(request, context, refusal)
    except Refused as refusal:
        put(form, refusal)
    else:
        if not effects:
            is_saved(request, context["subject"], which(context["term"]))
            return f"Adverse event {event.number} was corrected."
        form.add_error(None, LOOK_FIRST)
        context["foreseen"] = Tried(effects=effects)
    return ""


def under(request: SignedInRequest, event: AdverseEvent, typed: dict[str, Any]) -> dict[str, str]:
    """The hidden boxes of the form: what stood when it was opened."""
    sent = request.POST if request.POST.get("action") == "correct" else typed
    return laid_under(answers_of(event), sent)


def _seen(posted: QueryDict, subject: Subject) -> Event | None:
    """The event that lay under the form when it was opened; None if the page that was sent does not say."""
    term = posted.get(f"{WAS}-term", "")
    if term not in TERMS:
        return None
    boxes = posted.copy()
    boxes.setlist(f"{WAS}-serious", [one for one in posted.get(f"{WAS}-serious", "").split(",") if one])
    form = EventForm(boxes, term=term, prefix=WAS)
    del form.fields["token"]
    tell_today_in_part(form, clock.today(subject.site.time_zone))
    return form.event() if form.is_valid() else None


def _ask(request: SignedInRequest, context: dict[str, Any], refusal: SavedMeanwhile) -> None:
    """Ask what both changed, and put into the boxes what only the other person did."""
    event = context["event"]
    event.refresh_from_db()
    event.subject = context["subject"]
    posted = with_theirs(posted_event(request, event), answers_of(event), BOXES, refusal)
    term = str(posted["term"])
    form = EventForm(posted, term=term)
    tell_today_in_part(form, clock.today(context["subject"].site.time_zone))
    context |= {
        "form": form,
        "term": term,
        "term_form": TermForm(initial={"term": term}),
        "was": laid_under(answers_of(event), {}),
        "conflict": conflict_of(refusal, "event", "answer"),
    }


def put(form: EventForm, refusal: Refused) -> None:
    """A service's refusal beside the fields it names, else above the form."""
    problems = refusal.problems if isinstance(refusal, FieldsRefused) else {"": str(refusal)}
    for name, words in problems.items():
        form.add_error(name if name in form.fields else None, words)
