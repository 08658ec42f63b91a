"""A small world for tests, built only by calling services: two sites, every role, one person each.

world = new_world()
world.person(Role.COORDINATOR, "01")      # Actor
world.proof(investigator)                  # as if the password had been entered
world.log_in(client, coordinator)
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.test import Client

from protocol.versions import VERSIONS
from trialsite.access import SITE_STAFF, Actor, Duty, system_actor
from trialsite.actors import actor_for
from trialsite.context import writing
from trialsite.models import Role, Site, Subject, Training, User
from trialsite.reauthentication import Proof
from trialsite.services import people
from trialsite.services.subjects import start_subject
from trialsite.services.training import Trained, record_training

START = datetime(2024, 1, 2, 9, 0, tzinfo=UTC)
#: When those who are there already were hired: before the time of every world.
LONG_BEFORE = datetime(2023, 1, 1, 9, 0, tzinfo=UTC)
#: The day on which their sites opened.
OPENED_ON = LONG_BEFORE.date() - timedelta(days=1)
PASSWORD = "a long sentence of words"
#: What an investigator of site 01 enters at the first signature of a session.
IDENTITY = {"username": "investigator-01", "password": PASSWORD}
CENTRAL = frozenset({Role.ADMIN, Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN})


@dataclass
class World:
    """Sites by code, persons by role and site, and the moment at which everything happens."""

    at: datetime
    admin: Actor
    sites: dict[str, Site]
    people: dict[tuple[Role, str], Actor] = field(default_factory=dict)

    def person(self, role: Role, site: str = "01") -> Actor:
        """The person of that role at that site (central roles: at the coordinating centre), invited on first use."""
        code = "00" if role in CENTRAL else site
        if (role, code) not in self.people:
            self.people[role, code] = hire(self, f"{role}-{code}", role, code)
        return self.people[role, code]

    def proof(self, actor: Actor, at: datetime | None = None) -> Proof:
        return Proof(user_id=actor.user_id or 0, at=at or self.at, method="password")

    def later(self, days: int) -> datetime:
        """The world's clock moves on; the new moment."""
        self.at += timedelta(days=days)
        return self.at

    def subject(self, site: str = "01", *, screened_on: date | None = None) -> Subject:
        """A subject in screening, nothing else known."""
        coordinator = self.person(Role.COORDINATOR, site)
        of_site = self.sites[site]
        with writing(by=coordinator, duty=Duty.SCREEN_SUBJECT, site_id=of_site.pk, at=self.at):
            return start_subject(
                by=coordinator,
                at=self.at,
                site=of_site,
                birth_year=1958,
                sex="F",
                screened_on=screened_on or self.at.astimezone(ZoneInfo(of_site.time_zone)).date(),
            )


#: The staff of a copied database, and the world that `staffed` built for it.
_staff: list[World] = []


def staffed() -> None:
    """Build a world once, with everybody in it: every `new_world` in a copy of this database finds them there."""
    world = new_world(LONG_BEFORE)
    for site in ("01", "02"):
        for role in Role:
            world.person(role, site)
    _staff[:] = [world]


def new_world(at: datetime = START) -> World:
    """The coordinating centre with its administrator, and sites 01 and 02; in an empty database they are made."""
    if _staff and User.objects.exists():
        return in_copy(_staff[0], at)
    return _built(at)


def in_copy(staff: World, at: datetime) -> World:
    """The same people and sites, in a copy of the database in which they were made."""
    sites = {code: copy(site) for code, site in staff.sites.items()}
    return World(at=at, admin=staff.admin, sites=sites, people=dict(staff.people))


def _built(at: datetime) -> World:
    person = people.Person("admin-00", "Ada Administrator", "admin@example.org")
    link = people.set_up(by=system_actor("installation"), at=at, person=person, centre="Coordinating centre")
    admin = settle(link, at)
    sites = {
        code: people.open_site(
            by=admin, at=at, code=code, name=f"Hospital {code}", time_zone=zone, phone="", opened_on=day_before(at)
        )
        for code, zone in (("01", "America/Chicago"), ("02", "Europe/Berlin"))
    }
    sites["00"] = Site.objects.get(code="00")
    return World(at=at, admin=admin, sites=sites, people={(Role.ADMIN, "00"): admin})


def day_before(at: datetime) -> date:
    """A day that has begun at every site: in Chicago it is still yesterday when the day begins in UTC."""
    return at.date() - timedelta(days=1)


def hire(world: World, username: str, role: Role, site: str) -> Actor:
    """Invite, delegate, and let the person set a password."""
    person = people.Person(username, f"Dr {username.title()}", f"{username}@example.org")
    link = people.invite(by=world.admin, at=world.at, person=person)
    people.delegate(
        by=world.admin,
        at=world.at,
        user_id=link.invitation.user_id,
        site_id=world.sites[site].pk,
        role=role,
        starts_on=day_before(world.at),
        ends_on=None,
    )
    if role == Role.INVESTIGATOR:
        certify(world, link.invitation.user_id)
    if role in SITE_STAFF:
        for version in VERSIONS:
            train(world, link.invitation.user_id, version)
    return settle(link, world.at)


def certify(world: World, user_id: int) -> None:
    """The administrator saw who this person is, and the letter to the agency is sent: the person may sign."""
    on = day_before(world.at)
    people.record_signing_rights(by=world.admin, at=world.at, user_id=user_id, identity_verified_on=on, certified_on=on)


def train(world: World, user_id: int, version: str, on: date | None = None) -> Training:
    """The person's training in that protocol version, recorded by the administrator."""
    trained = Trained(version, on or day_before(world.at), "Certificate, binder 3")
    return record_training(by=world.admin, at=world.at, user_id=user_id, trained=trained)


def settle(link: people.Link, at: datetime) -> Actor:
    """The invited person sets the password; the person as actor."""
    own = actor_for(User.objects.get(pk=link.invitation.user_id))
    people.set_password_by_link(at=at, token=link.token, password=PASSWORD, own=own)
    return own


def log_in(client: Client, actor: Actor) -> Client:
    """The client, signed in as this person."""
    client.force_login(User.objects.get(pk=actor.user_id))
    return client
