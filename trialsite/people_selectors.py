"""Reads for the administration pages: accounts, sites and the delegation log."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Prefetch, QuerySet

from trialsite.models import Delegation, Invitation, Role, Site, User


@dataclass(frozen=True)
class Line:
    """One line of the delegation log as it is shown."""

    delegation: Delegation
    role: str
    standing: bool


@dataclass(frozen=True)
class Account:
    """A person and the lines that hold today."""

    user: User
    lines: tuple[Line, ...]
    state: str


def sites() -> QuerySet[Site]:
    return Site.objects.all()


def accounts(on: date) -> list[Account]:
    """Every account by name with the roles that it holds on that day; two queries."""
    lines = Prefetch("delegations", Delegation.objects.select_related("site").order_by("starts_on", "id"))
    people = User.objects.prefetch_related(lines).order_by("-is_active", "printed_name")
    return [Account(user, _standing(user, on), account_state(user)) for user in people]


def account_state(user: User) -> str:
    """Active, invited (no password set yet) or deactivated."""
    if not user.is_active:
        return "Deactivated"
    return "Active" if user.has_usable_password() else "Invited, no password yet"


def lines_of(user: User, on: date) -> list[Line]:
    """The person's whole delegation log, newest first."""
    rows = Delegation.objects.filter(user=user).select_related("site", "granted_by").order_by("-starts_on", "-id")
    return [_line(row, on) for row in rows]


def staff_of(site: Site, on: date) -> list[Line]:
    """The delegation log of one site by name."""
    rows = Delegation.objects.filter(site=site).select_related("user").order_by("user__printed_name", "starts_on")
    return [_line(row, on) for row in rows]


def open_link(user: User, at: datetime) -> Invitation | None:
    """The newest link of this person that still works."""
    return Invitation.objects.filter(user=user, used_at=None, expires_at__gt=at).order_by("-id").first()


def _line(row: Delegation, on: date) -> Line:
    standing = row.starts_on <= on and (row.ends_on is None or on <= row.ends_on)
    return Line(row, Role(row.role).label, standing)


def _standing(user: User, on: date) -> tuple[Line, ...]:
    lines = (_line(row, on) for row in user.delegations.all())
    return tuple(line for line in lines if line.standing)
