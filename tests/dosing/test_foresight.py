"""What a correction would change is shown before it is saved, and the preview equals the effect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from labs.services import Assessed, record_disease_assessment
from protocol.vocabulary import Analyte, Phase
from tests import world_dosing as treat
from tests.world import World, log_in, new_world
from tests.world_labs import record
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.foresight import differences, facts_of, foresee, mark_of
from trialsite.models import Role, Subject, Visit
from trialsite.outbox import drain
from trialsite.services.subjects import Refused

#: Tables that a preview could leave traces in.
TRACES = (
    "audit_event", "audit_link", "trialsite_outboxmessage", "trialsite_mail", "trialsite_signatureevent",
    "trialsite_query", "trialsite_submission", "labs_labresult", "labs_specimen", "labs_responseassessment",
    "labs_diseaseassessment", "dosing_phaseproposal", "dosing_assignmentdiscrepancy",
)  # fmt: skip
tenths = st.integers(0, 80).map(lambda n: f"{n // 10}.{n % 10}")


@pytest.fixture
def world(db: None, settings: Settings, tmp_path: Path) -> World:
    """The jobs of these tests live on the world's day."""
    settings.CLOCK_FILE = str(tmp_path / "clock")
    return new_world()


@pytest.fixture
def decided(world: World) -> Subject:
    """A subject whose month-6 decision is signed, and whose later samples are in."""
    proposal = treat.at_month_6(world)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    with reading(system_actor("verification"), world.at):
        subject = Subject.objects.select_related("site").get(pk=proposal.subject_id)
    record(world, subject, "m09", date(2024, 10, 11), {Analyte.SERUM_M: "3.4", Analyte.URINE_M: "50"})
    drain(world.at)
    return subject


@contextmanager
def seeing_all(world: World) -> Iterator[None]:
    with reading(system_actor("re-evaluation"), world.at), clock.holding(world.at):
        yield


def traces() -> dict[str, tuple[int, int]]:
    """Rows of each table, and how many of their versions are closed or done (an update shows here)."""
    counts = {}
    with connection.cursor() as cursor:
        for table in TRACES:
            cursor.execute(f"SELECT count(*), coalesce(sum(hashtext(t::text)::bigint), 0) FROM {table} t")
            counts[table] = cursor.fetchone()
    return counts


@contextmanager
def one_example() -> Iterator[None]:
    with transaction.atomic():
        try:
            yield
        finally:
            transaction.set_rollback(True)


@st.composite
def a_correction(draw: st.DrawFn) -> tuple[str, date, dict[Analyte, str]]:
    """Serum and urine of any visit of the subject, corrected to anything that a report may say."""
    code, on = draw(
        st.sampled_from(
            [("scr", date(2024, 1, 9)), ("m05", treat.MONTH[5]), ("m06", treat.MONTH[6]), ("m09", date(2024, 10, 11))]
        )
    )
    typed = {Analyte.SERUM_M: draw(tenths)}
    if draw(st.booleans()):
        typed[Analyte.URINE_M] = draw(st.sampled_from(["0", "50", "300", "900"]))
    return code, on, typed


@pytest.mark.req("E10", "E3", "B5")
def test_the_preview_of_any_correction_equals_its_effect_and_leaves_no_trace(world: World, decided: Subject) -> None:
    """The real services, run and undone, against the real services, run and kept, with the worker after them."""
    seen: set[str] = set()

    @trying(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(a_correction(), st.sampled_from(["NEGATIVE", "POSITIVE", ""]))
    def check(lab: tuple[str, date, dict[Analyte, str]], ife: str) -> None:
        code, on, typed = lab

        def act() -> None:
            record(world, decided, code, on, typed, reason="Misread")
            if ife:
                assessed = Assessed(immunofixation_on=on, serum_ife=ife)
                record_disease_assessment(
                    by=world.person(Role.COORDINATOR), at=world.at, subject_id=decided.pk, site_id=decided.site_id,
                    visit_code=code, assessed=assessed, reason="Misread",
                )  # fmt: skip

        with one_example(), seeing_all(world):
            before, untouched = facts_of(decided.pk, world.at), traces()
            foreseen = foresee(subject_id=decided.pk, at=world.at, act=act)
            assert traces() == untouched
            assert facts_of(decided.pk, world.at) == before
            act()
            drain(world.at)
            assert differences(before, facts_of(decided.pk, world.at)) == foreseen
            seen.update(one.label.split(" ")[0] for one in foreseen)

    check()
    assert {"Response", "Confirmed", "Signature", "Proposed"} <= seen


@pytest.mark.req("E10")
def test_what_the_service_refuses_the_preview_refuses(world: World, decided: Subject) -> None:
    with seeing_all(world):
        untouched = traces()
        with pytest.raises(Refused):
            foresee(
                subject_id=decided.pk,
                at=world.at,
                act=lambda: record(world, decided, "m06", treat.MONTH[6], {Analyte.SERUM_M: "two"}, reason="Misread"),
            )
        assert traces() == untouched


@pytest.mark.req("E10")
def test_nobody_is_woken_by_a_preview(
    world: World, decided: Subject, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: object
) -> None:
    woken: list[str] = []
    monkeypatch.setattr("trialsite.outbox.app.send_task", woken.append)
    with seeing_all(world), django_capture_on_commit_callbacks(execute=True) as callbacks:  # type: ignore[operator]
        foresee(
            subject_id=decided.pk,
            at=world.at,
            act=lambda: record(world, decided, "m06", treat.MONTH[6], {Analyte.SERUM_M: "1.0"}, reason="Misread"),
        )
    assert (woken, callbacks) == ([], [])


def test_a_page_that_shows_no_effects_has_no_mark() -> None:
    assert mark_of(()) == ""


# ---------------------------------------------------------------- the page


def hidden(html: str) -> dict[str, str]:
    tags = re.findall(r"<input type=\"hidden\"[^>]*>", html)
    pairs = [(re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)) for tag in tags]
    return {name[1]: value[1] for name, value in pairs if name and value and name[1] != "csrfmiddlewaretoken"}


@pytest.mark.req("E10", "B5", "B6")
def test_a_correction_shows_what_it_changes_before_it_is_saved(world: World, decided: Subject, client: Client) -> None:
    """Once: value, response, signature and proposal, with the old values, and one reason for all of it."""
    log_in(client, world.person(Role.COORDINATOR))
    page = reverse("visit_labs", args=[decided.key, "m06"])
    sent = {
        **hidden(client.get(page).content.decode()),
        "collected_on": "12 jul 2024",
        "serum_m": "1.0",
        "urine_m": "50",
    }
    sent |= {"action": "save", "change_reason": "Transcription error"}
    asked = client.post(page, sent)
    html = asked.content.decode()
    assert asked.status_code == 422
    for words in ("Serum M-spike: 3.6 to 1.0", "Response at Month 6", "<b>Broken</b>", "Stands", "then save again"):
        assert words in html, words
    with seeing_all(world):
        before = traces()
    done = client.post(page, {**sent, **hidden(html)}, follow=True)
    assert "Results saved: 1 corrected." in done.content.decode()
    with seeing_all(world):
        assert traces() != before


@pytest.mark.req("E10")
def test_effects_that_became_others_are_shown_again(world: World, decided: Subject, client: Client) -> None:
    log_in(client, world.person(Role.COORDINATOR))
    page = reverse("visit_labs", args=[decided.key, "m06"])
    sent = {
        **hidden(client.get(page).content.decode()),
        "collected_on": "12 jul 2024",
        "serum_m": "1.0",
        "urine_m": "50",
    }
    sent |= {"action": "save", "change_reason": "Transcription error"}
    shown = hidden(client.post(page, sent).content.decode())
    assert client.post(page, {**sent, **shown, "serum_m": "3.5"}).status_code == 422


@pytest.mark.req("B5")
def test_a_correction_without_further_effect_is_saved_at_once(world: World, decided: Subject, client: Client) -> None:
    record(world, decided, "m09", date(2024, 10, 11), {Analyte.HB: "12"})
    log_in(client, world.person(Role.COORDINATOR))
    page = reverse("visit_labs", args=[decided.key, "m09"])
    html = client.get(page).content.decode()
    sent = {**hidden(html), "collected_on": "11 oct 2024", "serum_m": "3.4", "urine_m": "50", "hb": "12.5"}
    done = client.post(page, {**sent, "action": "save", "change_reason": "Transcription error"}, follow=True)
    assert "1 corrected" in done.content.decode()


@pytest.mark.req("D6")
def test_taking_a_visit_or_a_panel_back_shows_what_follows_before_it_is_done(world: World, client: Client) -> None:
    """Of all corrections the one that changes most: a decision's signature breaks, the response changes."""
    proposal = treat.at_month_6(world)
    treat.sign(world, proposal, Phase.LOW_DEX_7_12)
    url = reverse("visit", args=[proposal.subject.key, "m06"])
    log_in(client, world.person(Role.COORDINATOR))
    sent = {"action": "in_error", "in_error-reason": "Results of another subject"}
    shown = client.post(url, sent)
    words = shown.content.decode()
    assert shown.status_code == 422
    assert "From that follows:" in words
    assert "Signature of" in words
    with reading(system_actor("verification"), world.at):
        assert Visit.objects.get(code="m06").status == Visit.Status.ENTERED, "nothing is done yet"
    mark = re.search(r'name="foreseen" value="(\w+)"', words)
    assert mark is not None
    done = client.post(url, {**sent, "foreseen": mark[1]})
    assert done.status_code == 302
    with reading(system_actor("verification"), world.at):
        assert Visit.objects.get(code="m06").status == Visit.Status.IN_ERROR
