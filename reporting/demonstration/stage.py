"""The trial as the demonstration finds it: sites with their laboratories, and people who can act and sign."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import NAMESPACE_OID, uuid5

from django.contrib.auth.hashers import make_password

from dosing.services import confirm_parameter
from dosing.services.supplies import Delivery, receive_drug
from enrollment.services import FormVersion, add_consent_form
from labs.services import adopt_typical_ranges, save_laboratory
from protocol.trial import TRIAL
from protocol.vocabulary import Drug
from reporting.demonstration.cast import ADMIN, CENTRE, MEMBERS, PASSWORD, PLACES, Member
from reporting.demonstration.chronicle import moment
from trialsite.access import SITE_STAFF, Actor, system_actor
from trialsite.actors import actor_for
from trialsite.models import Role, Site, User
from trialsite.reauthentication import Proof
from trialsite.services import people
from trialsite.services.training import Trained, record_training

#: The trial opened this long before the anchor, before the first subject was screened.
OPENED_BEFORE = timedelta(days=2400)
LABORATORY = "Central laboratory"
#: Version that everybody consented to, and the one that site 03 uses from today on.
CONSENT_FORM, NEW_CONSENT_FORM = "2.0", "2.1"


@dataclass
class Stage:
    """Who and what the stories need."""

    anchor: date
    sites: dict[str, Site] = field(default_factory=dict)
    actors: dict[tuple[Role, str], Actor] = field(default_factory=dict)
    laboratories: dict[str, int] = field(default_factory=dict)
    #: The lot of anakinra that each site hands out from.
    lots: dict[str, int] = field(default_factory=dict)
    #: Invitations by user name.
    links: dict[str, people.Link] = field(default_factory=dict)

    def who(self, role: Role, site: str) -> Actor:
        return self.actors[role, site]

    def proof(self, actor: Actor, at: datetime) -> Proof:
        """Services take a proof; only views verify a password, so loading hashes nothing per signature."""
        return Proof(user_id=actor.user_id or 0, at=at, method="demonstration")


def set_up(stage: Stage) -> Iterator[date]:
    """The story of the opening: centre, sites, people, laboratories, the confirmed parameter."""
    opening = stage.anchor - OPENED_BEFORE
    yield opening
    at = moment(opening)
    first = people.set_up(by=system_actor("installation"), at=at, person=_person(ADMIN), centre=CENTRE)
    admin = _invited(stage, ADMIN, first)
    stage.actors[Role.ADMIN, "00"] = admin
    stage.sites["00"] = Site.objects.get(code="00")
    for place in PLACES:
        stage.sites[place.code] = people.open_site(
            by=admin, at=at, code=place.code, name=place.name, time_zone=place.time_zone, phone=place.phone,
            opened_on=opening,
        )  # fmt: skip
    for member in MEMBERS:
        stage.actors[member.role, member.site] = _hire(stage, admin, member, at)
    _equip(stage, opening)
    _confirm_high_dose(stage, at)


def _person(member: Member) -> people.Person:
    return people.Person(member.username, member.printed_name, member.email)


def _hire(stage: Stage, admin: Actor, member: Member, at: datetime) -> Actor:
    link = people.invite(by=admin, at=at, person=_person(member))
    people.delegate(
        by=admin, at=at, user_id=link.invitation.user_id, site_id=stage.sites[member.site].pk, role=member.role,
        starts_on=at.date(), ends_on=None,
    )  # fmt: skip
    if member.role == Role.INVESTIGATOR:
        people.record_signing_rights(
            by=admin, at=at, user_id=link.invitation.user_id, identity_verified_on=at.date(), certified_on=at.date()
        )
    if member.role in SITE_STAFF:
        trained = Trained(
            TRIAL.version, at.date() - timedelta(days=1), "Attendance list of the opening visit, binder 2"
        )
        record_training(by=admin, at=at, user_id=link.invitation.user_id, trained=trained)
    return _invited(stage, member, link)


def _invited(stage: Stage, member: Member, link: people.Link) -> Actor:
    stage.links[member.username] = link
    return actor_for(User.objects.get(pk=link.invitation.user_id))


def passwords_set(stage: Stage, codes: Collection[str]) -> Iterator[date]:
    """Who works at these sites follows the link of the invitation; the password that all share is hashed once."""
    opening = stage.anchor - OPENED_BEFORE
    yield opening
    hashed = make_password(PASSWORD)
    for member in (ADMIN, *MEMBERS):
        if member.site in codes:
            own = stage.actors[member.role, member.site]
            token = stage.links[member.username].token
            people.set_password_by_link(at=moment(opening), token=token, password=PASSWORD, own=own, hashed=hashed)


def _equip(stage: Stage, opening: date) -> None:
    manager = stage.who(Role.DATA_MANAGER, "00")
    for place in PLACES:
        site = stage.sites[place.code]
        laboratory = save_laboratory(by=manager, at=moment(opening), site_id=site.pk, name=LABORATORY, is_central=True)
        adopt_typical_ranges(
            by=manager, at=moment(opening), site_id=site.pk, laboratory_id=laboratory.pk, valid_from=opening
        )
        stage.laboratories[place.code] = laboratory.pk
        first = FormVersion(
            CONSENT_FORM, opening, opening, needs_reconsent=False, changes="First version of the trial."
        )
        add_consent_form(by=manager, at=moment(opening), site_id=site.pk, new=first)


def new_consent_form(stage: Stage) -> Iterator[date]:
    """Site 03 begins to use a new version today: its subjects consent again before anything else is done."""
    eve = stage.anchor - timedelta(days=1)
    yield eve
    new = FormVersion(
        NEW_CONSENT_FORM,
        eve - timedelta(days=12),
        stage.anchor,
        needs_reconsent=True,
        changes="Neutropenia in long courses of anakinra is described.",
    )
    manager = stage.who(Role.DATA_MANAGER, "00")
    add_consent_form(by=manager, at=moment(eve), site_id=stage.sites["03"].pk, new=new)


def stock(stage: Stage, site: str, on: date) -> int:
    """A delivery of anakinra to a site; the lot."""
    delivery = Delivery(Drug.ANAKINRA, f"KN{site}-{on:%y%m}", Decimal(100), on + timedelta(days=540), 3000, on)
    moved = receive_drug(
        by=stage.who(Role.COORDINATOR, site), at=moment(on), token=uuid5(NAMESPACE_OID, f"delivery {site} {on}"),
        site_id=stage.sites[site].pk, delivery=delivery,
    )  # fmt: skip
    return moved.lot_id


def _confirm_high_dose(stage: Stage, at: datetime) -> None:
    investigator = stage.who(Role.INVESTIGATOR, "01")
    parameter = TRIAL.parameters["high_dex_mg"]
    confirm_parameter(
        by=investigator,
        at=at,
        proof=stage.proof(investigator, at),
        site_id=stage.sites["01"].pk,
        name="high_dex_mg",
        value=str(parameter.value).split()[0],
        reason="Usual pulse dose, confirmed for the demonstration trial.",
    )
