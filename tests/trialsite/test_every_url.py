"""Every address of the site x role x own and foreign site x GET and POST, against one table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.http import HttpResponseForbidden
from django.test import Client
from django.urls import resolve

from tests.trialsite.conftest import PARAMETERS, House
from tests.world import log_in
from trialsite import urls
from trialsite.models import Role
from trialsite.stack.servers import TestServers

#: Letters of the table.
LETTERS = {
    "C": Role.COORDINATOR,
    "I": Role.INVESTIGATOR,
    "D": Role.DATA_MANAGER,
    "M": Role.MONITOR,
    "A": Role.ADMIN,
    "S": Role.STATISTICIAN,
}
EVERYBODY, CLINICAL, SITE, NOBODY = "CIDMAS", "CIDMS", "CI", ""
NO_SUCH_METHOD = None

#: Name of the address -> who may look (GET), who may send (POST). Everybody else gets 403, at an own site or not.
#: Where the method does not exist, everybody gets 405.
TABLE: dict[str, tuple[str | None, str | None]] = {
    # sign-in, own account
    "healthz": (EVERYBODY, NO_SUCH_METHOD),
    "account_login": (EVERYBODY, EVERYBODY),
    "mfa_authenticate": (EVERYBODY, EVERYBODY),
    "account_session": (EVERYBODY, EVERYBODY),
    "account_logout": (NO_SUCH_METHOD, EVERYBODY),
    "welcome": (EVERYBODY, EVERYBODY),
    "profile": (EVERYBODY, EVERYBODY),
    "second_factor": (EVERYBODY, EVERYBODY),
    # administration
    "administration": ("A", NO_SUCH_METHOD),
    "sites": ("A", NO_SUCH_METHOD),
    "site": ("A", NO_SUCH_METHOD),
    "site_new": ("A", "A"),
    "site_change": ("A", "A"),
    "users": ("A", NO_SUCH_METHOD),
    "user": ("A", NO_SUCH_METHOD),
    "user_invite": ("A", "A"),
    "user_link": ("A", "A"),
    "user_delegate": ("A", "A"),
    "user_signing": ("A", "A"),
    "user_deactivate": ("A", "A"),
    "user_factor": ("A", "A"),
    "user_training": ("A", "A"),
    "training_in_error": ("A", "A"),
    "delegation_end": ("A", "A"),
    "failed_work": ("A", "A"),
    "consent_forms": (EVERYBODY, "DA"),
    "consent_form": ("DA", "DA"),
    "laboratories": ("DA", "DA"),
    "laboratory": ("DA", "DA"),
    "lab_imports": ("CD", "CD"),
    "lab_import_map": ("CD", "CD"),
    "lab_import_review": ("CD", "C"),
    "lab_import_receipt": ("CD", NO_SUCH_METHOD),
    "api_lab_results": (NO_SUCH_METHOD, NOBODY),
    "api_document": (EVERYBODY, NO_SUCH_METHOD),
    # lists
    "home": (EVERYBODY, NO_SUCH_METHOD),
    "my_work": (CLINICAL, NO_SUCH_METHOD),
    "subjects": (CLINICAL, NO_SUCH_METHOD),
    "screening_log": (CLINICAL, NO_SUCH_METHOD),
    "screening_log_csv": (CLINICAL, NO_SUCH_METHOD),
    "jump": (CLINICAL, NO_SUCH_METHOD),
    "queries": (CLINICAL, NO_SUCH_METHOD),
    "sdv": (CLINICAL, NO_SUCH_METHOD),
    "locks": (CLINICAL, NO_SUCH_METHOD),
    "locks_ready": ("D", "D"),
    "supplies": (CLINICAL, SITE),
    "text_check": (NO_SUCH_METHOD, EVERYBODY),
    "mail": (EVERYBODY, NO_SUCH_METHOD),
    "audit": ("CIDMA", NO_SUCH_METHOD),
    "draft": (NO_SUCH_METHOD, SITE),
    "protocol": (EVERYBODY, NO_SUCH_METHOD),
    "protocol_parameter": (EVERYBODY, "I"),
    "protocol_version": (EVERYBODY, NO_SUCH_METHOD),
    "protocol_comparison": (EVERYBODY, "I"),
    # one subject
    "subject_new": (SITE, SITE),
    "subject": (CLINICAL, NO_SUCH_METHOD),
    "subject_consent": (CLINICAL, SITE),
    "subject_identity": (CLINICAL, SITE),
    "subject_eligibility": (CLINICAL, SITE),
    "subject_waiver": (CLINICAL, SITE),
    "subject_registration": (SITE, SITE),
    "subject_screen_failure": (SITE, SITE),
    "subject_visits": (CLINICAL, SITE),
    "visit": (CLINICAL, SITE),
    "visit_labs": (CLINICAL, SITE),
    "visit_disease": (CLINICAL, SITE),
    "subject_draft": (NO_SUCH_METHOD, SITE),
    "subject_labs": (CLINICAL, NO_SUCH_METHOD),
    "subject_replay": (CLINICAL, NO_SUCH_METHOD),
    "safety_report_sheet": (CLINICAL, NO_SUCH_METHOD),
    "subject_responses": (CLINICAL, NO_SUCH_METHOD),
    "subject_response": (CLINICAL, "I"),
    "subject_dosing": (CLINICAL, SITE),
    "subject_dispensing": (CLINICAL, SITE),
    "subject_modifications": (CLINICAL, SITE),
    "subject_dosing_sheet": (SITE, NO_SUCH_METHOD),
    "subject_calendar_file": (SITE, NO_SUCH_METHOD),
    "subject_adverse_events": (CLINICAL, "I"),
    "adverse_event_new": (SITE, SITE),
    "adverse_event": (CLINICAL, SITE),
    "adverse_event_causality": (CLINICAL, "I"),
    "pregnancy_new": (SITE, SITE),
    "subject_safety_report": (CLINICAL, SITE),
    "authority_report": ("D", "D"),
    "subject_medications": (CLINICAL, SITE),
    "medication": (SITE, SITE),
    "subject_end_of_treatment": (CLINICAL, "I"),
    "subject_departure": (CLINICAL, SITE),
    "subject_follow_up": (CLINICAL, SITE),
    "subject_casebook": (CLINICAL, "I"),
    "casebooks": ("I", "I"),
    "subject_queries": (CLINICAL, NO_SUCH_METHOD),
    "query": (CLINICAL, SITE),
    "query_new": ("DM", "DM"),
    "subject_sdv": (CLINICAL, NO_SUCH_METHOD),
    "visit_sdv": (CLINICAL, "M"),
    "sdv_withdraw": ("M", "M"),
    "subject_locks": (CLINICAL, NO_SUCH_METHOD),
    "place_lock": (CLINICAL, "D"),
    "subject_audit": ("CIDM", NO_SUCH_METHOD),
    # figures and files
    "accrual": ("A", NO_SUCH_METHOD),
    "efficacy": ("IDMS", NO_SUCH_METHOD),
    "efficacy_subjects": ("IDMS", NO_SUCH_METHOD),
    "efficacy_csv": ("IDMS", NO_SUCH_METHOD),
    "safety": ("IDMS", NO_SUCH_METHOD),
    "safety_rows": ("IDMS", NO_SUCH_METHOD),
    "safety_csv": ("IDMS", NO_SUCH_METHOD),
    "enrolment": ("IDMS", NO_SUCH_METHOD),
    "enrolment_subjects": ("IDMS", NO_SUCH_METHOD),
    "enrolment_csv": ("IDMS", NO_SUCH_METHOD),
    "abstract_table": ("IDMS", NO_SUCH_METHOD),
    "abstract_csv": ("IDMS", NO_SUCH_METHOD),
    "abstract_statements_csv": ("IDMS", NO_SUCH_METHOD),
    "data_quality": ("IDMS", NO_SUCH_METHOD),
    "data_quality_rows": ("IDMS", NO_SUCH_METHOD),
    "timeliness_csv": ("IDMS", NO_SUCH_METHOD),
    "exports": ("DAS", NO_SUCH_METHOD),
    "export": ("DAS", NO_SUCH_METHOD),
    "export_all": ("DAS", NO_SUCH_METHOD),
    "export_manifest": ("DAS", NO_SUCH_METHOD),
}
#: What a form says of itself; all else is left out, so that what is allowed is answered and nothing is stored.
SENT = {
    "subject_eligibility": {"action": "save"},
    "subject_waiver": {"action": "ask"},
    "visit": {"action": "facts"},
    "subject_response": {"action": "decide"},
    "subject_dosing": {"action": "record"},
    "subject_dispensing": {"action": "give"},
    "subject_modifications": {"action": "order"},
    "supplies": {"action": "receive"},
    "subject_follow_up": {"action": "contact"},
    "query": {"action": "answer"},
    "adverse_event_new": {"term": "Headache"},
    "adverse_event": {"action": "correct"},
    "subject_safety_report": {"action": "save"},
    "subject_identity": {"action": "correct"},
    "authority_report": {"action": "sent"},
    "lab_import_review": {"action": "check"},
    "place_lock": {"action": "unlock"},
}
#: Opened by the token of a laboratory, and by no session.
BY_TOKEN = {"api_lab_results"}
ALLOWED = {200, 302, 303, 422}
#: Addresses of what belongs to one site.
OF_A_SITE = [*sorted(name for name, parts in PARAMETERS.items() if "key" in parts), "query", "query_new"]
#: Files of a laboratory: only coordinators of a site open them.
FILES = [name for name in TABLE if name.startswith("lab_import_")]
#: Forms of a subject into which its site writes; a monitor's verifications are no clinical data.
CRFS = [
    *sorted(name for name, (_, sender) in TABLE.items() if "key" in PARAMETERS[name] and set(sender or "") & set(SITE)),
    "subject_new",
]


def outcome(client: Client, method: str, address: str, name: str) -> int | str:
    response = client.get(address) if method == "GET" else client.post(address, SENT.get(name, {}))
    return verdict(answered(response).status)


def body(response: Any) -> str:
    content = b"".join(response.streaming_content) if response.streaming else response.content
    return str(content.decode(errors="replace"))


@dataclass(frozen=True)
class Answer:
    """What a page answered to one look at it."""

    status: int
    headers: Mapping[str, str]
    text: str


@dataclass(frozen=True)
class Round:
    """One look at every address of the own site by every role, and which tables are not as they were."""

    answers: Mapping[tuple[str, str], Answer]
    before: Mapping[str, str]
    after: Mapping[str, str]

    def of(self, letter: str) -> dict[str, Answer]:
        """The pages that this role may see, by name."""
        return {name: self.answers[letter, name] for name in TABLE if letter in (TABLE[name][0] or "")}


@pytest.fixture(scope="module")
def looked(house: House, servers: TestServers) -> Round:
    """Made once for all tests that ask something of what is shown: looking changes nothing, as one of them proves."""
    clients = {letter: house.client(role) for letter, role in LETTERS.items()}
    before = digest(servers, house.database.name)
    answers = {
        (letter, name): answered(client.get(house.address(name)))
        for name in TABLE
        for letter, client in clients.items()
    }
    return Round(answers, before, digest(servers, house.database.name))


def answered(response: Any) -> Answer:
    """A streamed body is read to its end."""
    return Answer(response.status_code, dict(response.headers), body(response))


def verdict(status: int) -> int | str:
    """Either "allowed" or the status of the refusal."""
    return "allowed" if status in ALLOWED else status


def expected(name: str, method: str, letter: str) -> int | str:
    may = TABLE[name][method == "POST"]
    if name in BY_TOKEN and may is not None:
        return 401  # nobody's session opens it
    if letter == "A" and "key" in PARAMETERS[name]:
        return 403  # turned away from every page of a subject, whatever the method
    return 405 if may is None else "allowed" if letter in may else 403


@pytest.mark.req("A2")
def test_every_address_is_in_the_table() -> None:
    assert set(TABLE) == set(PARAMETERS)


@pytest.mark.req("A8", "D9", "A3", "A5")
@pytest.mark.parametrize("name", TABLE)
def test_each_role_looks_at_its_own_site(looked: Round, name: str) -> None:
    found = {letter: verdict(looked.answers[letter, name].status) for letter in LETTERS}
    assert found == {letter: expected(name, "GET", letter) for letter in LETTERS}


@pytest.mark.req("A8", "D9", "A3", "A5")
@pytest.mark.parametrize("name", TABLE)
def test_each_role_sends_at_its_own_site(house: House, name: str) -> None:
    found = {}
    for letter, role in LETTERS.items():
        client = log_in(Client(), house.world.person(role)) if name == "account_logout" else house.client(role)
        found[letter] = outcome(client, "POST", house.address(name), name)
    assert found == {letter: expected(name, "POST", letter) for letter in LETTERS}


@pytest.mark.req("A5")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("name", [*OF_A_SITE, *FILES])
def test_what_is_of_another_site_does_not_exist(house: House, name: str, method: str) -> None:
    """404 and never 403, word for word the answer to an address that was made up."""
    for letter in "C" if name in FILES else SITE:
        client = house.client(LETTERS[letter])
        foreign, made_up = house.address(name, "02"), house.address(name, "02", exists=False)
        wanted = 405 if expected(name, method, letter) == 405 else 404
        assert outcome(client, method, foreign, name) == wanted, letter
        assert bare(client, method, foreign, name) == bare(client, method, made_up, name), letter


def bare(client: Client, method: str, address: str, name: str) -> str:
    """The body without what differs from request to request, and without the address itself."""
    send = client.get if method == "GET" else client.post
    text = body(send(address, SENT.get(name, {}) if method == "POST" else None))
    text = text.replace(address.partition("?")[0], "")
    return re.sub(r'[0-9a-f]{32}|csrfmiddlewaretoken" value="\w+"', "", text)


@pytest.mark.req("A8", "D9")
@pytest.mark.parametrize("role", [Role.DATA_MANAGER, Role.MONITOR, Role.STATISTICIAN, Role.ADMIN])
def test_who_does_not_treat_writes_into_no_form(house: House, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the form says it does: 403. Here without the page that says so, which takes half of each answer."""
    monkeypatch.setattr(urls, "handler403", lambda *_, **__: HttpResponseForbidden(), raising=False)
    actions = ("", "save", "sign", "facts", "decide", "record", "start", "contact", "in_error", "end")
    statuses = {
        (name, action): house.client(role).post(house.address(name), {"action": action}).status_code
        for name in CRFS
        for action in actions
    }
    assert {key: status for key, status in statuses.items() if status != 403} == {}


@pytest.mark.req("A8")
def test_an_administrator_opens_no_page_of_a_subject(looked: Round) -> None:
    statuses = {name: looked.answers["A", name].status for name in OF_A_SITE if name != "query_new"}
    assert set(statuses.values()) == {403}, statuses


# ---------------------------------------------------------------- nothing of another site shows, and GET only looks

#: Besides plainly: with every filter set to what the other site would answer.
ASKED = ("?site=02&q=02-001&show=all&all=1&group=enrolled&population=all", "?q=02")


@pytest.mark.req("A5", "F3")
@pytest.mark.parametrize("letter", SITE)
def test_no_page_of_one_site_says_anything_of_the_other(house: House, looked: Round, letter: str) -> None:
    """Lists, searches, counts, files: nothing in them names a subject, key, person or laboratory of site 02."""
    role, other = LETTERS[letter], house.wards["02"]
    secrets = [
        *(one.key for one in (other.treated, other.screened, other.followed)),
        *(one.number for one in (other.treated, other.screened, other.followed)),
        house.world.person(role, "02").printed_name,
    ]
    shown = {name: answer.text for name, answer in looked.of(letter).items()}
    for name, text in shown.items():
        assert [one for one in secrets if one in text] == [], name
        for asked in () if PARAMETERS[name] else ASKED:
            found = body(house.client(role).get(house.address(name) + asked))
            told = found.replace("02-001", "")  # the search box repeats what was typed
            assert [one for one in secrets if one in told] == [], (name, asked)
    assert house.wards["01"].treated.number in shown["subjects"], "the own site is there"
    assert "Plain words asked" in shown["query"]


@pytest.mark.req("A5")
@pytest.mark.parametrize(("letter", "subjects"), [("I", 2), ("M", 4)])
def test_counts_are_of_the_own_site(house: House, letter: str, subjects: int) -> None:
    rows = body(house.client(LETTERS[letter]).get(house.address("efficacy_csv"))).splitlines()
    assert len(rows) == 1 + subjects


@pytest.mark.req("A3")
@pytest.mark.parametrize("letter", LETTERS)
def test_no_page_leads_to_a_page_that_is_refused(house: House, looked: Round, letter: str) -> None:
    """Every link that a role is shown opens for that role."""
    shut = set()
    for name, answer in looked.of(letter).items():
        for link in set(re.findall(r'<a\b[^>]*\bhref="([^"]+)"', answer.text)):
            parts = urlsplit(urljoin(house.address(name), unescape(link)))
            target = resolve(parts.path).url_name if not parts.netloc and not parts.scheme else ""
            if target and letter not in (TABLE[target][0] or ""):
                shut.add((name, target))
    assert shut == set()


UNSTEADY = {"trialsite_accessentry", "django_session", "cache_entry"}


def digest(servers: TestServers, database: str) -> dict[str, str]:
    """Table -> digest of all its rows, as the superuser sees them."""
    names = servers.cluster.sql("select tablename from pg_tables where schemaname = 'public'", database).split()
    wanted = sorted(set(names) - UNSTEADY)
    one = "select '{0} ' || coalesce(md5(string_agg(t::text, '' order by t::text)), 'empty') from {0} t"
    answers = servers.cluster.sql(" union all ".join(one.format(name) for name in wanted), database)
    return dict(line.split() for line in answers.splitlines())


@pytest.mark.req("B1", "B14")
def test_looking_changes_nothing(looked: Round) -> None:
    """GET of every address by every role leaves every row of every table as it was."""
    assert {table for table, rows in looked.before.items() if rows != looked.after[table]} == set()
    assert len(looked.before) > 40
    assert looked.before["trialsite_subject"] != "empty"


@pytest.mark.req("J6", "A2")
def test_every_page_is_kept_out_of_caches_and_names_nobody_in_its_address(house: House, looked: Round) -> None:
    names = {actor.printed_name for actor in house.world.people.values()}
    for letter in LETTERS:
        for name, answer in looked.of(letter).items():
            assert "no-store" in answer.headers["Cache-Control"], name
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"], name
            assert not [one for one in names if one.replace(" ", "") in house.address(name)], name
