"""What holds for every page: as many queries for many subjects as for few, text never becomes markup, zones."""

from __future__ import annotations

import re
from gzip import decompress

from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from labs.services import Assessed, record_disease_assessment
from protocol.vocabulary import Analyte
from reporting.demonstration.cast import ADMIN, MEMBERS
from tests import world_dosing as treat
from tests.design.test_budget import KB, STATIC, asked_for, weight
from tests.fixtures.databases import Database
from tests.trialsite.conftest import PARAMETERS, built
from tests.trialsite.test_every_url import LETTERS, TABLE, body
from tests.world import log_in
from tests.world_everything import furnish
from tests.world_followup import who
from tests.world_labs import record
from trialsite import clock
from trialsite.access import Actor, system_actor
from trialsite.actors import actor_for
from trialsite.context import reading
from trialsite.models import Role, Subject, User
from trialsite.services import people

#: What a first visit of a page may weigh, in bytes on the wire.
FIRST_LOAD = 120 * KB
#: More than this and a page asks the database once per row of something; a casebook reads every table of a subject.
MOST_QUERIES = 70
STREAMED = {
    "lab_import_receipt",
    "api_document",
    "export",
    "export_all",
    "export_manifest",
    "efficacy_csv",
    "enrolment_csv",
    "safety_csv",
    "abstract_csv",
    "abstract_statements_csv",
    "timeliness_csv",
    "screening_log_csv",
    "subject_calendar_file",
}
PAGES = [name for name, (looks, _) in TABLE.items() if looks and name not in STREAMED]
#: Who looks: of those who may, one with all sites in reach.
WIDEST = "AMDSIC"


def looker(name: str) -> Role:
    return LETTERS[next(letter for letter in WIDEST if letter in (TABLE[name][0] or ""))]


def asked(client: Client, address: str) -> int:
    """The number of statements of one look."""
    return look(client, address)[0]


def look(client: Client, address: str) -> tuple[int, HttpResponse]:
    """The number of its statements, and the page as it is sent to a browser.

    The menu's number is found anew before, after what was saved last.
    """
    client.get(reverse("profile"))
    with CaptureQueriesContext(connection) as statements:
        answer = client.get(address, headers={"accept-encoding": "gzip"})
    return len(statements.captured_queries), answer


def test_no_page_asks_more_when_there_is_more_to_show(fresh_db: Database) -> None:
    house = built(fresh_db)
    for role in Role:
        house.client(role).get(house.address("profile"))
    few = {name: asked(house.client(looker(name)), house.address(name)) for name in PAGES}
    for _ in range(2):
        furnish(house.world, "01")
    many = {name: asked(house.client(looker(name)), house.address(name)) for name in PAGES}
    assert {name: (few[name], many[name]) for name in PAGES if many[name] > few[name]} == {}
    assert min(count for name, count in many.items() if name not in {"account_login", "home"}) > 0
    assert max(many.values()) <= MOST_QUERIES


def test_no_page_of_the_demonstration_trial_asks_too_much(demonstration: Database) -> None:
    """Three sites, 55 subjects; of one subject the pages with the most to show."""
    with reading(system_actor("verification"), clock.now()):
        oldest = Subject.objects.exclude(day1_on=None).order_by("day1_on").first()
    assert oldest is not None
    values = {"key": oldest.key, "code": "m06", "name": "high_dex_mg", "version": "2.0"}
    counts, weights = {}, {}
    for name in PAGES:
        if set(PARAMETERS[name]) <= set(values) and not name.startswith("site"):
            address = reverse(name, kwargs={one: values[one] for one in PARAMETERS[name]})
            client = log_in(Client(), member(looker(name), oldest.site.code))
            counts[name], answer = look(client, address)
            weights[name] = first_load(answer)
    assert {name: count for name, count in counts.items() if count > MOST_QUERIES} == {}
    assert len(counts) > 30
    assert {name: weight for name, weight in weights.items() if weight > FIRST_LOAD} == {}


def first_load(answer: HttpResponse) -> int:
    """Bytes that a first visit fetches: the page as the server sends it, and every file that it can ask for."""
    sent = answer.content
    page = decompress(sent) if answer.get("Content-Encoding") == "gzip" else sent
    assert page is not sent or len(sent) < 200, f"{answer.request['PATH_INFO']} is sent as it is"  # type: ignore[attr-defined]
    named = {STATIC / one for one in re.findall(r'(?:src|href)="/static/([^"#?]+)', page.decode())}
    return len(sent) + sum(weight(path) for path in {*named, *asked_for(), *STATIC.glob("js/*.js")})


def member(role: Role, site: str) -> Actor:
    """A person of the demonstration trial who holds the role at that site, or for all sites."""
    username = next(one.username for one in (ADMIN, *MEMBERS) if one.role == role and one.site in {site, "00"})
    return actor_for(User.objects.get(username=username))


# ---------------------------------------------------------------- text stays text

SCRIPT = "<script>alert(1)</script>"
#: Where the free texts of this test are read again.
SHOWN = ("site", "sites", "laboratory", "subject_medications", "query", "subject_queries", "audit", "subject_audit",
         "visit_disease", "subject_labs", "user")  # fmt: skip


def test_what_people_type_never_becomes_markup(fresh_db: Database) -> None:
    house = built(fresh_db, sites=("01",), said=SCRIPT)
    world, ward = house.world, house.wards["01"]
    people.change_site(
        by=world.admin, at=world.at, site_id=world.sites["01"].pk, name=SCRIPT, time_zone="America/Chicago",
        phone=SCRIPT[:20], closed_on=None, reason=SCRIPT,
    )  # fmt: skip
    record(world, ward.treated, "m05", treat.MONTH[5], {Analyte.SERUM_M: "3.6"}, reason=SCRIPT)
    assessed = Assessed(marrow_on=treat.MONTH[6], comment=SCRIPT)
    record_disease_assessment(**who(world, ward.treated), visit_code="m06", assessed=assessed)
    shown = {}
    for name in PAGES:
        text = body(house.client(looker(name)).get(house.address(name)))
        assert SCRIPT not in text, name
        shown[name] = "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert [name for name in SHOWN if not shown[name]] == []
