"""What the shell of every page needs: menu, person, build, session."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from trialsite import clock
from trialsite.access import Duty, can_anywhere, training_needed
from trialsite.models import Query, Role, Site


@dataclass(frozen=True)
class MenuEntry:
    name: str
    label: str
    url: str
    active: bool
    count: int | None = None


@dataclass(frozen=True)
class PersonOnPage:
    printed_name: str
    role_words: str
    site_words: str
    single_keys: bool


#: Menu in order: label, URL name, duty that shows it, path prefix that makes it the current one.
MENU: tuple[tuple[str, str, Duty, str], ...] = (
    ("My work", "my_work", Duty.VIEW_SUBJECT, "/my-work/"),
    ("Subjects", "subjects", Duty.VIEW_SUBJECT, "/subjects/"),
    ("Queries", "queries", Duty.VIEW_SUBJECT, "/queries/"),
    ("SDV", "sdv", Duty.VERIFY_SOURCE, "/sdv/"),
    ("Locks", "locks", Duty.LOCK, "/locks/"),
    ("Supplies", "supplies", Duty.KEEP_SUPPLY, "/supplies/"),
    ("Lab import", "lab_imports", Duty.IMPORT_LABS, "/labs/imports/"),
    ("Laboratories", "laboratories", Duty.MANAGE_RANGES, "/labs/ranges/"),
    ("Dashboards", "efficacy", Duty.VIEW_DASHBOARD, "/dashboards/"),
    ("Accrual", "accrual", Duty.VIEW_ACCRUAL, "/dashboards/accrual/"),
    ("Protocol", "protocol", Duty.VIEW_MAIL, "/protocol/"),
    ("Exports", "exports", Duty.EXPORT, "/exports/"),
    ("Mail", "mail", Duty.VIEW_MAIL, "/mail/"),
    ("Admin", "administration", Duty.MANAGE_PEOPLE, "/admin/"),
)


def shell(request: HttpRequest) -> dict[str, object]:
    """Context of templates/base.html; see there."""
    shared: dict[str, object] = {
        "environment_ribbon": settings.ENVIRONMENT_RIBBON,
        "build": settings.BUILD,
        "session_idle_minutes": settings.SESSION_COOKIE_AGE // 60,
        "navigation": [],
        "person": None,
        "may_read_audit": False,
        "training_needed": "",
    }
    actor = getattr(request, "actor", None)
    if actor is None or actor.user_id is None:
        return shared
    now = clock.now()
    shared["navigation"] = [
        MenuEntry(name, label, reverse(name), request.path.startswith(prefix), _count(name))
        for label, name, duty, prefix in MENU
        if can_anywhere(actor, duty, now)
    ]
    shared["training_needed"] = training_needed(actor, now)
    shared["may_read_audit"] = can_anywhere(actor, Duty.VIEW_AUDIT, now)
    roles = sorted({Role(grant.role).label for grant in actor.grants if grant.covers(grant.site_id, now.date())})
    codes = Site.objects.filter(pk__in=actor.site_ids(now.date())).values_list("code", flat=True)
    words = ", ".join(f"Site {code}" for code in codes) or "all sites"
    keys = getattr(request.user, "single_keys", True)
    shared["person"] = PersonOnPage(actor.printed_name, ", ".join(roles), words, keys)
    return shared


def _count(name: str) -> int | None:
    return Query.objects.filter(state=Query.State.OPEN).count() if name == "queries" else None
