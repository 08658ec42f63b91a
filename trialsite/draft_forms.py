"""Forms that keep drafts: what each is called, who fills it in, and what of an address tells its drafts apart."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from django.http import Http404
from django.urls import Resolver404, ResolverMatch, resolve
from django.utils.module_loading import import_string

from trialsite.access import Duty
from trialsite.audit_selectors import place_of
from trialsite.models import Query, Site, Subject


@dataclass(frozen=True)
class DraftForm:
    """One form. `query`: pattern of what follows the address, where it has several drafts or stands beside others.

    site_of: for a form of no subject, the function of a room above that finds the site by the address's parts.
    has_rows: a page of it shows some of its rows, whose boxes are named 12-unit: what stands in the others stays.
    """

    words: str
    duty: Duty = Duty.ENTER_DATA
    query: str = ""
    site_of: str = ""
    has_rows: bool = False


_FILE = "labs.selectors.imports.site_of_file"


#: Name of the address, and of the form where a page has several (?form=fill) -> the form.
FORMS: Mapping[str, DraftForm] = {
    "visit": DraftForm("visit, vital signs and ECOG"),
    "visit_labs": DraftForm("laboratory panel", query="(panels=all)?"),
    "visit_disease": DraftForm("disease assessment"),
    "subject_visits": DraftForm("unscheduled visit"),
    "subject_follow_up": DraftForm("follow-up contact", query="(visit=[a-z0-9]{1,6})?"),
    "subject_end_of_treatment": DraftForm("end of treatment"),
    "subject_departure": DraftForm("departure from the study"),
    "subject_new": DraftForm("new subject", Duty.SCREEN_SUBJECT),
    "subject_identity": DraftForm("year of birth and sex"),
    "subject_consent": DraftForm("consent", query=r"(correct=\d{1,12})?"),
    "subject_eligibility": DraftForm("eligibility checklist"),
    "subject_screen_failure": DraftForm("end of screening", Duty.SCREEN_SUBJECT),
    "subject_waiver": DraftForm("waiver"),
    "subject_waiver decide": DraftForm("decision about a waiver", Duty.SIGN, "form=decide"),
    "subject_medications": DraftForm("medication"),
    "adverse_event_new": DraftForm("new adverse event", query=r"(term=[\w.%+-]{1,120})?"),
    "adverse_event": DraftForm("adverse event", query=r"(term=[\w.%+-]{1,120})?"),
    "pregnancy_new": DraftForm("pregnancy"),
    "subject_safety_report": DraftForm("report of a serious event or pregnancy"),
    "subject_safety_report news": DraftForm("new information for a report", query="form=news"),
    "subject_dosing day": DraftForm("doses of a day", Duty.RECORD_DOSE, r"form=day&day=\d{4}-\d\d-\d\d"),
    "subject_dosing fill": DraftForm("doses of a range of days", Duty.RECORD_DOSE, "form=fill"),
    "subject_dosing undo": DraftForm("doses to take back", Duty.RECORD_DOSE, "form=undo"),
    "subject_modifications": DraftForm("dose modification", Duty.RECORD_DOSE),
    "query answer": DraftForm("answer to a query", Duty.ANSWER_QUERY, "form=answer"),
    "query close": DraftForm("remark on a query", Duty.CLOSE_QUERY, "form=close"),
    "lab_import_map": DraftForm("columns of a laboratory file", Duty.IMPORT_LABS, "(shape=(long|wide))?", _FILE),
    "lab_import_review": DraftForm("rows of a laboratory file", site_of=_FILE, has_rows=True),
    "query_new": DraftForm("new query", Duty.RAISE_QUERY, r"record=[a-z_]{1,40}%3A\d{1,12}(&item=\w+)?(&visit=\w+)?"),
}
_NAMED = re.compile(r"form=([a-z]+)")


def form_of(page: str) -> DraftForm | None:
    """The form that keeps its drafts under this name; None for any other address."""
    path, _, query = page.partition("?")
    found, named = _found(path), _NAMED.match(query)
    if found is None:
        return None
    form = FORMS.get(f"{found.url_name} {named[1]}" if named else str(found.url_name))
    return form if form is not None and re.fullmatch(form.query, query) else None


def page_of(path: str, query: str = "") -> str:
    """The name under which a page's draft is kept."""
    page = f"{path}?{query}" if query else path
    return page if form_of(page) is not None else path


def subject_of(page: str) -> Subject | None:
    """Whose form this is, as far as the person sees; None for a form of a subject to be."""
    path, _, query = page.partition("?")
    found = _found(path)
    if found is None:
        return None
    if found.url_name == "query":
        asked = Query.objects.select_related("subject__site").filter(pk=found.kwargs["pk"]).first()
        return asked.subject if asked else None
    if found.url_name == "query_new":
        return _asked_about(query)
    return Subject.objects.select_related("site").filter(key=found.kwargs.get("key", "")).first()


def site_of(page: str) -> Site | None:
    """The site of a form of no subject, as far as the person sees it; None for every other form."""
    form, found = form_of(page), _found(page.partition("?")[0])
    if form is None or found is None or not form.site_of:
        return None
    site: Site | None = import_string(form.site_of)(**found.kwargs)
    return site


def _asked_about(query: str) -> Subject | None:
    record = query.removeprefix("record=").partition("&")[0].replace("%3A", ":")
    try:
        return place_of(record).subject
    except Http404:
        return None


def _found(path: str) -> ResolverMatch | None:
    try:
        return resolve(path)
    except Resolver404:
        return None
