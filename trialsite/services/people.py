"""Accounts, invitations, sites and the delegation log. Nobody ever sets or sees another person's password."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from django.db import transaction
from django.db.models import Q

from trialsite.access import CONFLICTING_ROLES, Actor, Duty
from trialsite.context import own_account, writing
from trialsite.mail import hand_over_link
from trialsite.models import Delegation, Invitation, Role, Site, User
from trialsite.reauthentication import Proof
from trialsite.services.subjects import Refused

LINK_VALID_FOR = timedelta(days=7)

#: Roles that are held at a treating site. All others may be held at the coordinating centre as well.
TREATING_ROLES = frozenset({Role.COORDINATOR, Role.INVESTIGATOR})


@dataclass(frozen=True)
class Person:
    """A named person who gets an account."""

    username: str
    printed_name: str
    email: str


@dataclass(frozen=True)
class Link:
    """A single-use token, shown once; only its digest is stored."""

    invitation: Invitation
    token: str


def open_site(*, by: Actor, at: datetime, code: str, name: str, time_zone: str, phone: str, opened_on: date) -> Site:
    with writing(by=by, duty=Duty.MANAGE_SITES, site_id=None, at=at, reason="Site opened"):
        if Site.objects.filter(code=code).exists():
            raise Refused(f"Site {code} exists already.")
        return Site.objects.create(
            code=code,
            name=name,
            time_zone=time_zone,
            phone=phone,
            opened_on=opened_on,
            is_coordinating_centre=code == "00",
        )


def change_site(
    *, by: Actor, at: datetime, site_id: int, name: str, time_zone: str, phone: str, closed_on: date | None, reason: str
) -> Site:
    with writing(by=by, duty=Duty.MANAGE_SITES, site_id=None, at=at, reason=reason):
        site = Site.objects.select_for_update().get(pk=site_id)
        if closed_on is not None and closed_on < site.opened_on:
            raise Refused("The site cannot close before it opened.")
        site.name, site.time_zone, site.phone, site.closed_on = name, time_zone, phone, closed_on
        site.save(update_fields=["name", "time_zone", "phone", "closed_on"])
        return site


def invite(*, by: Actor, at: datetime, person: Person) -> Link:
    """Make an account without a usable password and a link with which its owner sets one."""
    with writing(by=by, duty=Duty.MANAGE_PEOPLE, site_id=None, at=at, reason="Invited"):
        if User.objects.filter(username__iexact=person.username).exists():
            raise Refused(f"The user name {person.username} was given before. User names are never used twice.")
        user = User(username=person.username, printed_name=person.printed_name, email=person.email, created_at=at)
        user.set_unusable_password()
        user.save()
        return _make_link(user, Invitation.Purpose.JOIN, by=by, at=at)


def send_reset_link(*, by: Actor, at: datetime, user_id: int) -> Link:
    """A new single-use link for a person who cannot sign in; earlier links stop working."""
    with writing(by=by, duty=Duty.MANAGE_PEOPLE, site_id=None, at=at, reason="Password reset asked for"):
        user = User.objects.select_for_update().get(pk=user_id)
        if not user.is_active:
            raise Refused("This account is deactivated.")
        Invitation.objects.filter(user=user, used_at=None, expires_at__gt=at).update(used_at=at)
        return _make_link(user, Invitation.Purpose.RESET, by=by, at=at)


def _make_link(user: User, purpose: Invitation.Purpose, *, by: Actor, at: datetime) -> Link:
    token = secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        user=user,
        purpose=purpose,
        token_digest=sha256(token.encode()).hexdigest(),
        made_by_id=by.user_id,
        made_at=at,
        expires_at=at + LINK_VALID_FOR,
    )
    return Link(invitation, token)


def mail_link(*, by: Actor, at: datetime, link: Link, address: str) -> bool:
    """Mail the link to its owner; True if the mail server took it."""
    joins = link.invitation.purpose == Invitation.Purpose.JOIN
    with writing(by=by, duty=Duty.MANAGE_PEOPLE, site_id=None, at=at, reason="Link mailed"):
        return hand_over_link(
            key=f"link:{link.invitation.pk}",
            to=link.invitation.user,
            heading="Your account" if joins else "A new password",
            words=f"Set your password with this link. It works once, until {link.invitation.expires_at:%-d %b %Y}.",
            link=address,
            why="Invited by an administrator" if joins else "An administrator was asked for a new password",
            at=at,
        )


def standing_invitation(token: str, at: datetime) -> Invitation | None:
    """The invitation behind a link, if it was not used and has not expired."""
    return (
        Invitation.objects.select_related("user")
        .filter(
            token_digest=sha256(token.encode()).hexdigest(),
            used_at=None,
            expires_at__gt=at,
            user__is_active=True,
        )
        .first()
    )


def set_password_by_link(*, at: datetime, token: str, password: str, own: Actor, hashed: str = "") -> User:
    """The owner sets the password; the link is used up. `own` is the account's owner as actor.

    hashed: the same password as `make_password` gave it, where many accounts of a demonstration share one.
    Refused if the link was used, has expired, or never was.
    """
    with own_account(own, at=at, reason="Password set by its owner"):
        invitation = standing_invitation(token, at)
        if invitation is None or invitation.user_id != own.user_id:
            raise Refused("This link was used already or has expired. Ask for a new one.")
        Invitation.objects.filter(pk=invitation.pk).update(used_at=at)
        user = User.objects.select_for_update().get(pk=invitation.user_id)
        if hashed:
            user.password = hashed
        else:
            user.set_password(password)
        user.save(update_fields=["password"])
        return user


def change_own_password(*, by: Actor, at: datetime, proof: Proof, password: str) -> User:
    """A person replaces the own password; `proof` is that the present one was known. PermissionDenied without."""
    with own_account(by, at=at, reason="Password changed by its owner"):
        proof.check_for(by, at)
        user = User.objects.select_for_update().get(pk=proof.user_id)
        user.set_password(password)
        user.save(update_fields=["password"])
        return user


def choose_shortcuts(*, by: Actor, at: datetime, single_keys: bool) -> User:
    """A person switches the shortcuts of one key on or off, for the own account (WCAG 2.1.4)."""
    with own_account(by, at=at, reason="Shortcuts switched by their user"):
        user = User.objects.select_for_update().get(pk=by.user_id or 0)
        user.single_keys = single_keys
        user.save(update_fields=["single_keys"])
        return user


def delegate(
    *, by: Actor, at: datetime, user_id: int, site_id: int, role: Role, starts_on: date, ends_on: date | None
) -> Delegation:
    """Add a line to the delegation log. Refused where two roles of one person would conflict."""
    with writing(by=by, duty=Duty.MANAGE_PEOPLE, site_id=None, at=at, reason="Delegated"):
        user = User.objects.select_for_update().get(pk=user_id)
        if not user.is_active:
            raise Refused("This account is deactivated.")
        if ends_on is not None and ends_on < starts_on:
            raise Refused("The last day lies before the first.")
        _check_place(Site.objects.get(pk=site_id), role)
        _check_no_conflict(user, role, starts_on, ends_on)
        if Delegation.objects.filter(user=user, site_id=site_id, role=role, ends_on=None).exists():
            raise Refused("This person holds the role at this site already.")
        return Delegation.objects.create(
            user=user,
            site_id=site_id,
            role=role,
            starts_on=starts_on,
            ends_on=ends_on,
            granted_by_id=by.user_id,
            granted_at=at,
        )


def record_signing_rights(
    *, by: Actor, at: datetime, user_id: int, identity_verified_on: date, certified_on: date
) -> User:
    """Who this person is was seen, and a letter to the agency covers the signatures (21 CFR 11.100(b), (c)).

    Without both nothing can be signed. Refused for a day that has not come, a deactivated account, and for oneself.
    """
    why = "Identity verified, certification recorded"
    with writing(by=by, duty=Duty.MANAGE_PEOPLE, site_id=None, at=at, reason=why):
        user = User.objects.select_for_update().get(pk=user_id)
        if not user.is_active:
            raise Refused("This account is deactivated.")
        if user_id == by.user_id:
            raise Refused("Ask another administrator to verify your own identity.")
        if max(identity_verified_on, certified_on) > at.date():
            raise Refused("Both happened today or earlier: a day that has not come cannot be recorded.")
        user.identity_verified_on, user.certified_on = identity_verified_on, certified_on
        user.save(update_fields=["identity_verified_on", "certified_on"])
        return user


def end_delegation(*, by: Actor, at: datetime, delegation_id: int, ends_on: date, reason: str) -> Delegation:
    with writing(by=by, duty=Duty.MANAGE_PEOPLE, site_id=None, at=at, reason=reason):
        line = Delegation.objects.select_for_update().get(pk=delegation_id)
        if ends_on < line.starts_on:
            raise Refused("The last day lies before the first.")
        if line.ends_on is not None and line.ends_on < ends_on:
            raise Refused("This line ended already. Add a new line to the delegation log.")
        line.ends_on = ends_on
        line.save(update_fields=["ends_on"])
        return line


def deactivate(*, by: Actor, at: datetime, user_id: int, reason: str) -> User:
    """Close an account for good; its name stays under what it signed, and is never given again."""
    with writing(by=by, duty=Duty.MANAGE_PEOPLE, site_id=None, at=at, reason=reason):
        if user_id == by.user_id:
            raise Refused("Ask another administrator to deactivate your own account.")
        user = User.objects.select_for_update().get(pk=user_id)
        user.is_active, user.deactivated_at = False, at
        user.save(update_fields=["is_active", "deactivated_at"])
        return user


@transaction.atomic
def set_up(*, by: Actor, at: datetime, person: Person, centre: str) -> Link:
    """The coordinating centre and the first administrator of a fresh installation."""
    if User.objects.exists():
        raise Refused("There are accounts already. Ask an administrator for an invitation.")
    site = open_site(by=by, at=at, code="00", name=centre, time_zone="UTC", phone="", opened_on=at.date())
    link = invite(by=by, at=at, person=person)
    delegate(
        by=by, at=at, user_id=link.invitation.user_id, site_id=site.pk, role=Role.ADMIN,
        starts_on=at.date(), ends_on=None,
    )  # fmt: skip
    return link


def _check_place(site: Site, role: Role) -> None:
    if site.is_coordinating_centre and role in TREATING_ROLES:
        raise Refused(f"{role.label} is a role at a treating site, not at the coordinating centre.")
    if role == Role.ADMIN and not site.is_coordinating_centre:
        raise Refused("Administrators belong to the coordinating centre.")


def _check_no_conflict(user: User, role: Role, starts_on: date, ends_on: date | None) -> None:
    overlapping = Delegation.objects.filter(user=user).filter(Q(ends_on=None) | Q(ends_on__gte=starts_on))
    if ends_on is not None:
        overlapping = overlapping.filter(starts_on__lte=ends_on)
    held = {Role(value) for value in overlapping.values_list("role", flat=True)}
    for pair in CONFLICTING_ROLES:
        if role in pair and held & (pair - {role}):
            other = next(iter(held & (pair - {role})))
            raise Refused(
                f"{other.label} and {role.label} exclude each other in one person: nobody checks the own work."
            )
