"""Two people at one form (peers 27): nothing is lost, and only what both changed differently is asked."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from labs.models import DiseaseAssessment, LabResult, Specimen
from protocol.vocabulary import Analyte
from tests.labs.test_pages import addresses, form_data, opened
from tests.world import World, log_in
from tests.world_labs import laboratory, limits, record
from trialsite.context import reading
from trialsite.models import Role, Subject, Visit

MONTH1 = date(2024, 4, 4)


@pytest.fixture
def two(world: World) -> tuple[Client, Client]:
    """Two browsers: the coordinator's and the investigator's."""
    return log_in(Client(), world.person(Role.COORDINATOR)), log_in(Client(), world.person(Role.INVESTIGATOR))


def standing(world: World, subject: Subject) -> dict[str, str]:
    with reading(world.person(Role.DATA_MANAGER), world.at):
        rows = LabResult.objects.filter(subject=subject, superseded_at=None)
        return {one.analyte: one.typed for one in rows}


BEFORE = {Analyte.HB: "11.8", Analyte.WBC: "5.2", Analyte.PLT: "210", Analyte.ANC: "3.1"}
BOXES = {"collected_on": "4 apr 2024", "hb": "11.8", "wbc": "5.2", "plt": "210", "anc": "3.1", "action": "save"}
WHY = {"change_reason": "Transcription error"}


@pytest.mark.req("D12")
@pytest.mark.parametrize(("choice", "hb"), [("yours", "13.8"), ("theirs", "12.8")])
def test_complaint_27_of_four_results_one_is_asked_and_all_are_kept(
    world: World, subject: Subject, two: tuple[Client, Client], choice: str, hb: str
) -> None:
    """Theirs: haemoglobin and white cells. Mine: haemoglobin and platelets. Asked: haemoglobin."""
    record(world, subject, "m01", MONTH1, BEFORE)
    theirs, mine = two
    url = addresses(subject)["visit_labs"]
    stale = {**opened(mine, url), **BOXES, **WHY}
    theirs.post(url, {**opened(theirs, url), **BOXES, **WHY, "hb": "12.8", "wbc": "6.2"})
    answer = mine.post(url, {**stale, "hb": "13.8", "plt": "190"})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "saved this panel at" in html
    assert "Choose a value for 1 result," in html
    assert html.count('value="theirs"') == 1
    assert ('name="hb" value="13.8"' in html, 'name="plt" value="190"' in html) == (True, True)
    assert 'name="wbc" value="6.2"' in html, "what only the other changed stands in the box"
    settled = {**stale, **form_data(html), "hb": "13.8", "plt": "190", "wbc": "6.2", "keep-hb": choice}
    assert mine.post(url, settled).status_code == 302
    assert standing(world, subject) == {"hb": hb, "wbc": "6.2", "plt": "190", "anc": "3.1"}


@pytest.mark.req("D12")
def test_without_a_difference_nothing_is_asked(world: World, subject: Subject, two: tuple[Client, Client]) -> None:
    record(world, subject, "m01", MONTH1, BEFORE)
    theirs, mine = two
    url = addresses(subject)["visit_labs"]
    stale = {**opened(mine, url), **BOXES, **WHY}
    theirs.post(url, {**opened(theirs, url), **BOXES, **WHY, "wbc": "6.2"})
    assert mine.post(url, {**stale, "plt": "190"}).status_code == 302
    assert standing(world, subject) == {"hb": "11.8", "wbc": "6.2", "plt": "190", "anc": "3.1"}


@pytest.mark.req("D12")
def test_a_date_that_only_the_other_corrected_stays_corrected(
    world: World, subject: Subject, two: tuple[Client, Client]
) -> None:
    record(world, subject, "m01", MONTH1, BEFORE)
    theirs, mine = two
    url = addresses(subject)["visit_labs"]
    stale = {**opened(mine, url), **BOXES, **WHY}
    theirs.post(url, {**opened(theirs, url), **BOXES, **WHY, "collected_on": "5 apr 2024"})
    assert mine.post(url, {**stale, "plt": "190"}).status_code == 302
    with reading(world.person(Role.DATA_MANAGER), world.at):
        specimen = Specimen.objects.filter(subject=subject).latest("id")
    assert specimen.collected_on == date(2024, 4, 5)
    assert standing(world, subject)["plt"] == "190"


@pytest.mark.req("D12")
@pytest.mark.parametrize(("choice", "day"), [("yours", 6), ("theirs", 5)])
def test_two_dates_are_asked(world: World, subject: Subject, two: tuple[Client, Client], choice: str, day: int) -> None:
    record(world, subject, "m01", MONTH1, BEFORE)
    theirs, mine = two
    url = addresses(subject)["visit_labs"]
    stale = {**opened(mine, url), **BOXES, **WHY, "collected_on": "6 apr 2024"}
    theirs.post(url, {**opened(theirs, url), **BOXES, **WHY, "collected_on": "5 apr 2024"})
    html = mine.post(url, stale).content.decode()
    panel = "haematology" if 'name="keep-collection-haematology"' in html else ""
    name = next(part for part in html.split('name="') if part.startswith("keep-collection-")).partition('"')[0]
    assert panel == "" or panel in name
    assert mine.post(url, {**stale, **form_data(html), name: choice}).status_code == 302
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert Specimen.objects.filter(subject=subject).latest("id").collected_on == date(2024, 4, day)


@pytest.mark.req("D12")
@pytest.mark.parametrize(("choice", "marrow"), [("yours", "12.00"), ("theirs", "8.00")])
def test_the_disease_assessment_asks_answer_by_answer(
    world: World, subject: Subject, two: tuple[Client, Client], choice: str, marrow: str
) -> None:
    theirs, mine = two
    url = reverse("visit_disease", args=[subject.key, "m01"])
    boxes = {"immunofixation_on": "4 apr 2024", "serum_ife": "POSITIVE", "marrow_on": "4 apr 2024", "bm_pc": "10"}
    theirs.post(url, {**opened(theirs, url), **boxes})
    stale = {**opened(mine, url), **boxes, **WHY}
    seen = opened(theirs, url)
    first = theirs.post(url, {**seen, **boxes, **WHY, "serum_ife": "NEGATIVE", "bm_pc": "8"})
    if first.status_code == 422:
        shown = form_data(first.content.decode())
        theirs.post(url, {**seen, **shown, **boxes, **WHY, "serum_ife": "NEGATIVE", "bm_pc": "8"})
    answer = mine.post(url, {**stale, "bm_pc": "12", "comment": "Seen by the pathologist"})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "Choose a value for 1 answer," in html
    settled = {
        **stale, **form_data(html), "serum_ife": "NEGATIVE", "bm_pc": "12", "comment": "Seen by the pathologist",
        "keep-bm_pc": choice,
    }  # fmt: skip
    last = mine.post(url, settled)
    if last.status_code == 422:
        last = mine.post(url, {**settled, **form_data(last.content.decode()), "keep-bm_pc": choice})
    assert last.status_code == 302
    with reading(world.person(Role.DATA_MANAGER), world.at):
        now = DiseaseAssessment.objects.get(superseded_at=None)
    assert (now.serum_ife, str(now.bm_pc), now.comment) == ("NEGATIVE", marrow, "Seen by the pathologist")


# ---------------------------------------------------------------- the visit's own page

VISIT = {"action": "facts", "occurred_on": "4 apr 2024", "ecog": "1", "weight_kg": "70", "pulse": "", **WHY}


def facts(world: World, subject: Subject) -> tuple[object, ...]:
    with reading(world.person(Role.DATA_MANAGER), world.at):
        one = Visit.objects.get(subject=subject, code="m01")
    return one.ecog, str(one.weight_kg), one.pulse


@pytest.mark.req("D12")
@pytest.mark.parametrize(("choice", "ecog"), [("yours", 3), ("theirs", 2)])
def test_the_visit_page_asks_answer_by_answer(
    world: World, subject: Subject, two: tuple[Client, Client], choice: str, ecog: int
) -> None:
    """Theirs: ECOG and pulse. Mine: ECOG and weight. Asked: ECOG."""
    theirs, mine = two
    url = addresses(subject)["visit"]
    assert theirs.post(url, {**opened(theirs, url), **VISIT}).status_code == 302
    stale = {**opened(mine, url), **VISIT}
    assert theirs.post(url, {**opened(theirs, url), **VISIT, "ecog": "2", "pulse": "80"}).status_code == 302
    answer = mine.post(url, {**stale, "ecog": "3", "weight_kg": "71"})
    html = answer.content.decode()
    assert answer.status_code == 409
    assert "saved this visit at" in html
    assert "Choose a value for 1 answer," in html
    assert html.count('value="theirs"') == 1
    assert ('name="weight_kg" value="71"' in html, 'name="pulse" value="80"' in html) == (True, True)
    boxes = {"ecog": "3", "weight_kg": "71", "pulse": "80", "keep-ecog": choice}
    assert mine.post(url, {**stale, **form_data(html), **boxes}).status_code == 302
    assert facts(world, subject) == (ecog, "71.0", 80)


@pytest.mark.req("D12")
def test_what_only_one_of_two_changed_on_the_visit_page_is_not_asked(
    world: World, subject: Subject, two: tuple[Client, Client]
) -> None:
    """Also where nobody had entered the visit when both opened it."""
    theirs, mine = two
    url = addresses(subject)["visit"]
    stale = opened(mine, url)
    theirs.post(url, {**opened(theirs, url), **VISIT})
    assert mine.post(url, {**stale, **VISIT, "weight_kg": "", "pulse": "64"}).status_code == 302
    assert facts(world, subject) == (1, "70.0", 64)


@pytest.mark.req("D12", "D3")
def test_a_draft_of_the_visit_page_remembers_what_lay_under_it(
    world: World, subject: Subject, two: tuple[Client, Client]
) -> None:
    """Opened again from its draft after another person saved, it asks as if it had stayed open."""
    theirs, mine = two
    url = addresses(subject)["visit"]
    theirs.post(url, {**opened(theirs, url), **VISIT})
    keep = reverse("subject_draft", args=[subject.key]) + f"?page={url}"
    mine.post(keep, {**opened(mine, url), **VISIT, "ecog": "3", "weight_kg": "7l"})
    theirs.post(url, {**opened(theirs, url), **VISIT, "ecog": "2"})
    html = mine.get(url).content.decode()
    assert 'name="weight_kg" value="7l"' in html
    assert mine.post(url, {**form_data(html), **VISIT, "ecog": "3"}).status_code == 409


# ---------------------------------------------------------------- two laboratories at one visit


def everything_in(html: str) -> dict[str, str]:
    """Every box and choice of the grid as it stands, as a browser sends it."""
    (form,) = [one for one in re.findall(r"<form.*?</form>", html, re.S) if 'name="serum_m"' in one]
    boxes = {}
    for tag in re.findall(r"<input[^>]*>", form):
        name, value = re.search(r'name="([^"]*)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and 'type="checkbox"' not in tag and 'type="radio"' not in tag:
            boxes[name[1]] = value[1] if value else ""
    for name, options in re.findall(r'<select name="([^"]*)".*?>(.*?)</select>', form, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected', options) or re.search(r'value="([^"]*)"', options)
        boxes[name] = chosen[1] if chosen else ""
    return boxes


@pytest.mark.req("D12", "B6")
def test_a_visit_of_two_laboratories_is_entered_and_opened_again_without_a_change(
    world: World, subject: Subject, client: Client
) -> None:
    """The usual case: myeloma proteins measured centrally, the blood count next door, half an hour apart."""
    central, local = laboratory(world), laboratory(world, name="Next door")
    limits(world, local, Analyte.HB, "11.5", "15.5")
    log_in(client, world.person(Role.COORDINATOR))
    url = reverse("visit_labs", args=[subject.key, "m01"])
    typed = {
        **opened(client, url), "action": "save",
        "collected_on": "4 apr 2024", "collected_time": "08:10", "accession": "C1",
        "laboratory": str(central.pk), "serum_m": "2.9", "hb": "11.0", "apart-haematology-laboratory": str(local.pk),
        "apart-haematology-time": "08:40",
    }  # fmt: skip
    assert client.post(url, typed).status_code == 302
    with reading(world.person(Role.DATA_MANAGER), world.at):
        blood = Specimen.objects.get(panel="haematology")
        protein = Specimen.objects.exclude(panel="haematology").get()
    assert (blood.laboratory_id, f"{blood.collected_time:%H:%M}", blood.accession) == (local.pk, "08:40", "")
    assert (protein.laboratory_id, protein.accession) == (central.pk, "C1")
    page = client.get(url).content.decode()
    assert "11.5" in page, "the limits of the laboratory that measured it"
    again = {**everything_in(page), "action": "save", "wbc": "5.2"}
    done = client.post(url, again, follow=True)
    assert "Results saved: 1 recorded." in done.content.decode(), "one value more is no correction of the others"
    with reading(world.person(Role.DATA_MANAGER), world.at):
        assert Specimen.objects.count() == 2
        blood.refresh_from_db()
    assert (blood.laboratory_id, blood.accession) == (local.pk, "")
