"""Pages of the room: every role, the foreign site, saving without scripting, refusals beside their fields."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from protocol.vocabulary import Analyte
from tests.world import World, log_in
from tests.world_labs import record
from trialsite.models import Role, Subject

MONTH1 = date(2024, 4, 4)
READERS = (Role.COORDINATOR, Role.INVESTIGATOR, Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN)


def addresses(subject: Subject, code: str = "m01") -> dict[str, str]:
    return {
        "subject_visits": reverse("subject_visits", args=[subject.key]),
        "visit": reverse("visit", args=[subject.key, code]),
        "visit_labs": reverse("visit_labs", args=[subject.key, code]),
        "visit_disease": reverse("visit_disease", args=[subject.key, code]),
        "subject_labs": reverse("subject_labs", args=[subject.key]),
    }


#: Pages, and the words of the button that only those who enter data see.
BUTTONS = {
    "subject_visits": b"Add visit",
    "visit": b"Save visit",
    "visit_labs": b"Save results",
    "visit_disease": b"Save disease assessment",
}
NAMES = (*BUTTONS, "subject_labs")


def form_data(html: str) -> dict[str, str]:
    """Hidden fields of the page, as a browser would send them."""
    found = {}
    for tag in re.findall(r"<input type=\"hidden\"[^>]*>", html):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and value and name[1] != "csrfmiddlewaretoken":
            found[name[1]] = value[1]
    return found


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("role", READERS)
def test_each_role_reads(world: World, subject: Subject, client: Client, role: Role, name: str) -> None:
    record(world, subject, "m01", MONTH1, {Analyte.SERUM_M: "2.9", Analyte.HB: "26"})
    log_in(client, world.person(role))
    page = client.get(addresses(subject)[name])
    assert page.status_code == 200
    if name in BUTTONS:
        assert (BUTTONS[name] in page.content) == (role in (Role.COORDINATOR, Role.INVESTIGATOR))


@pytest.mark.parametrize("name", NAMES)
def test_another_site_does_not_exist(world: World, subject: Subject, client: Client, name: str) -> None:
    log_in(client, world.person(Role.COORDINATOR, "02"))
    assert client.get(addresses(subject)[name]).status_code == 404


@pytest.mark.parametrize("name", NAMES)
def test_nobody_is_sent_to_log_in(subject: Subject, client: Client, name: str) -> None:
    page = client.get(addresses(subject)[name])
    assert (page.status_code, "sign-in" in page["Location"]) == (302, True)
