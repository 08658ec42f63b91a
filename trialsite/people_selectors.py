"""Reads for the administration pages: accounts, sites and the delegation log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from trialsite.access import SITE_STAFF
from trialsite.models import Delegation, Invitation, Role, Site, Training, User


@dataclass(frozen=True)
class Line:
    """One line of the delegation log as it is shown. trained_on: training in the version in force."""

    delegation: Delegation
    role: str
    standing: bool
    needs_training: bool
    trained_on: date | None = None


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


def staff_of(site: Site, on: date, version: str) -> list[Line]:
    """The delegation log of one site by name, with the training in that protocol version; two queries."""
    rows = Delegation.objects.filter(site=site).select_related("user").order_by("user__printed_name", "starts_on")
    trained = dict(_standing_trainings().filter(protocol_version=version).values_list("user_id", "trained_on"))
    return [replace(_line(row, on), trained_on=trained.get(row.user_id)) for row in rows]


def untrained_staff(version: str, on: date) -> list[Delegation]:
    """Who works at a treating site on that day and is not trained in that version: lines by site and name; one query.

    When the version comes into force these people can read, not enter or sign. Row security limits it to the sites
    in reach.
    """
    lines = Delegation.objects.filter(role__in=SITE_STAFF, starts_on__lte=on, user__is_active=True)
    trained = _standing_trainings().filter(user=OuterRef("user"), protocol_version=version, trained_on__lte=on)
    found = lines.exclude(ends_on__lt=on).exclude(Exists(trained)).select_related("site", "user")
    return list(found.order_by("site__code", "user__printed_name", "id"))


def trainings_of(user: User) -> list[Training]:
    """Every training of the person that was recorded, also in error, newest first."""
    return list(Training.objects.filter(user=user).select_related("recorded_by").order_by("-id"))


def trained_on(user: User, version: str) -> date | None:
    """Since when the person is trained in that protocol version, None without a record."""
    return (
        _standing_trainings().filter(user=user, protocol_version=version).values_list("trained_on", flat=True).first()
    )


def _standing_trainings() -> QuerySet[Training]:
    return Training.objects.filter(in_error_at=None)


def open_link(user: User, at: datetime) -> Invitation | None:
    """The newest link of this person that still works."""
    return Invitation.objects.filter(user=user, used_at=None, expires_at__gt=at).order_by("-id").first()


def _line(row: Delegation, on: date) -> Line:
    standing = row.starts_on <= on and (row.ends_on is None or on <= row.ends_on)
    return Line(row, Role(row.role).label, standing, needs_training=row.role in SITE_STAFF)


def _standing(user: User, on: date) -> tuple[Line, ...]:
    lines = (_line(row, on) for row in user.delegations.all())
    return tuple(line for line in lines if line.standing)
