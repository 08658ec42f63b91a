"""A house with one of everything at two sites, built once for the tests of a file that only look at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoDbBlocker

from tests.fixtures.databases import STAFFED, Database, working_in
from tests.urls import every_url
from tests.world import World, log_in, new_world
from tests.world_everything import Ward, furnish
from trialsite import clock
from trialsite.models import Role, Training
from trialsite.services import people
from trialsite.stack.servers import TestServers

#: Data sets whose file an address gives; other addresses name a parameter of the protocol.
NAMES = {"export": "lab_results", "safety_csv": "toxicity"}
NOWHERE = {"key": "nosuchkey1", "pk": 999999, "number": 9999}


@dataclass
class House:
    """`wards` by site code; `token` opens the page on which an invited person sets a password."""

    database: Database
    world: World
    wards: dict[str, Ward]
    token: str
    clients: dict[tuple[Role, str], Client] = field(default_factory=dict)

    def client(self, role: Role, site: str = "01") -> Client:
        if (role, site) not in self.clients:
            self.clients[role, site] = log_in(Client(), self.world.person(role, site))
        return self.clients[role, site]

    def address(self, name: str, site: str = "01", *, exists: bool = True) -> str:
        """The address of that name for what stands at the site, or for what stands nowhere."""
        values = self._values(name, site)
        if not exists:
            values = {**values, **{one: value for one, value in NOWHERE.items() if one in values}}
        given = {one: values[one] for one in PARAMETERS[name]}
        record = self.wards[site].result.pk if exists else NOWHERE["pk"]
        asked = {"query_new": f"?record=lab_result:{record}", "data_quality_rows": "?group=visits-inside"}
        return reverse(name, kwargs=given) + asked.get(name, "")

    def _values(self, name: str, site: str) -> dict[str, object]:
        ward = self.wards[site]
        rows = {
            "query": ward.query.pk,
            "laboratory": ward.laboratory.pk,
            "medication": ward.medication.pk,
            "consent_form": ward.consent_form.pk,
            "authority_report": ward.report.pk,
            "sdv_withdraw": ward.verification.pk,
        }
        rows |= {name: ward.imported.pk for name in PARAMETERS if name.startswith("lab_import_")}
        somebody = self.world.person(Role.COORDINATOR, site)
        rows["training_in_error"] = Training.objects.filter(user_id=somebody.user_id).values_list("pk", flat=True)[0]
        subject = (
            ward.screened
            if "eligibility" in name or "screen" in name or "registration" in name or "waiver" in name
            else ward.treated
        )
        return {
            "key": (ward.followed if name == "subject_follow_up" else subject).key,
            "code": site if name.startswith("site") else "m06",
            "name": NAMES.get(name, "high_dex_mg"),
            "pk": rows.get(name, somebody.user_id),
            "number": ward.event.number,
            "token": self.token,
            "version": "2.0",
            "criterion": "I07",
        }


PARAMETERS = {one.name: one.parameters for one in every_url()}


@pytest.fixture(scope="module")
def house(staffed_template: TestServers, django_db_blocker: DjangoDbBlocker) -> Iterator[House]:
    with working_in(staffed_template, django_db_blocker, "house", STAFFED) as database:
        yield built(database)


def built(database: Database, *, sites: tuple[str, ...] = ("01", "02"), said: str = "Plain words") -> House:
    """Every role and one ward per site; `said` stands in the free texts."""
    world = new_world()
    for role in Role:
        world.person(role)
    wards = {site: furnish(world, site, said=said) for site in sites}
    person = people.Person("new.person", "New Person", "new@example.org")
    link = people.invite(by=world.admin, at=clock.now(), person=person)
    return House(database, world, wards, link.token)
