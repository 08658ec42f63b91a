"""The whole road in a browser: from an empty database to the delivered reminder of the first follow-up contact.

Real web server, real worker, real mail files; only the clock is stepped. Walked with scripting and without it.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from followup.tasks import sweep_reminders
from tests.fixtures.processes import CHECKOUT, LiveApp, Process, wait_until
from tests.journeys.desk import PASSWORD, Desk, Letters, it_is
from trialsite.tasks import drain_outbox

ANSWERS = {
    "Diagnosis": "Smoldering",
    "Heavy chain of the M-protein": "IgG",
    "Needs chemotherapy now": "No",
    "ECOG performance status": "0",
    "Can inject the drug": "Yes",
    "Has a caregiver who can": "No",
    "Can bear children": "Yes",
    "Active myeloma that needs chemotherapy": "No",
    "AL amyloidosis": "No",
    "Takes etanercept": "No",
    "Pregnant": "No",
    "Nursing": "No",
    "Infection or open wound now": "No",
    "Intravenous antibiotics": "No",
    "Other active cancer": "No",
    "NYHA class": "None",
    "Disease that needs immunosuppression": "No",
    "Asthma or inflammatory bowel disease": "No",
    "Debilitating illness": "No",
    "Hypersensitive to E. coli": "No",
}
SCREENING = {
    "serum_m": "3.8", "urine_m": "50", "flc_kappa": "30", "flc_lambda": "12", "wbc": "5.1", "anc": "2.14",
    "hb": "12.9", "creatinine": "0.88",
}  # fmt: skip
#: Monthly visits: day, and the serum M-spike in g/dL. The last is 5.3 % below baseline: stable disease.
MONTHS = {
    "m01": ("2024-02-15", "3.8"), "m02": ("2024-03-15", "3.7"), "m03": ("2024-04-15", "3.8"),
    "m04": ("2024-05-15", "3.7"), "m05": ("2024-06-14", "3.7"), "m06": ("2024-07-15", "3.6"),
}  # fmt: skip
COORDINATOR, INVESTIGATOR = "cora@example.org", "ines@example.org"


@dataclass
class Road:
    """Who walks, and what is around them."""

    app: LiveApp
    letters: Letters
    admin: Desk
    coordinator: Desk
    investigator: Desk
    #: Address of the subject's pages, known once the subject is screened.
    subject: str = ""


@pytest.fixture(params=[True, False], ids=["scripting", "plain"])
def road(
    request: pytest.FixtureRequest,
    live_app: LiveApp,
    worker: Process,
    letters: Letters,
    sit_down: Callable[..., Desk],
) -> Road:
    assert worker.alive()
    desks = (sit_down(scripting=request.param) for _ in range(3))
    return Road(live_app, letters, *desks)


@pytest.mark.long
@pytest.mark.worker
@pytest.mark.req("C1", "C5", "D1", "D3", "D14", "E1")
def test_from_an_empty_database_to_the_reminder(road: Road) -> None:
    it_is("2024-01-08 16:00")
    install(road)
    people_come(road)
    screen(road)
    sign_eligibility(road)
    start_treatment(road)
    follow_six_months(road)
    decide(road)
    record_doses(road)
    end_treatment(road)
    remind(road)


def install(road: Road) -> None:
    """The first administrator gets a link from the command line, and opens a site with its laboratory."""
    command = [sys.executable, "manage.py", "bootstrap_admin", "ada", "Dr Ada Adler", "ada@example.org"]
    done = subprocess.run(command, cwd=CHECKOUT, env=road.app.environment, capture_output=True, text=True, check=True)
    admin = road.admin
    admin.open(done.stdout.strip())
    admin.look("welcome")
    admin.set_password(done.stdout.strip())
    admin.look("sign-in")
    admin.sign_in("ada")
    admin.look("administration")
    admin.follow("Add a site")
    admin.fill({
        "Number": "01", "Name": "Lakeside Hospital", "Time zone": "America/Chicago", "Telephone": "+1 312 555 0100",
        "Open since": "2 Jan 2024",
    })  # fmt: skip
    admin.press("Add site")
    admin.read("Site 01 was added.")
    admin.open("/labs/ranges/")
    admin.fill({"Site": "01 Lakeside Hospital", "Name": "Lakeside Laboratory"})
    admin.press("Add laboratory")
    admin.press("Start with typical ranges")
    admin.look("ranges")
    admin.open("/admin/")
    admin.follow("Consent forms")
    admin.fill({
        "Version": "2.0", "Approved on": "2 Jan 2024", "In force from": "2 Jan 2024", "What is new": "First version",
    })  # fmt: skip
    admin.choose({"Do subjects who signed an older version": "No"})
    admin.press("Add version")
    admin.read("Version 2.0 is in the list of site 01.")
    admin.look("consent-forms")


def people_come(road: Road) -> None:
    """The administrator invites a coordinator and an investigator; each sets the own password."""
    people = (
        ("Cora Coordinator", "cora", COORDINATOR, "Coordinator", road.coordinator),
        ("Dr Ines Investigator", "ines", INVESTIGATOR, "Investigator", road.investigator),
    )
    for name, username, address, role, desk in people:
        road.admin.open("/admin/users/invite/")
        road.admin.fill({"Name": name, "User name": username, "E-mail address": address})
        road.admin.press("Make the account")
        road.admin.read("The link was mailed")
        road.admin.follow("Give a role")
        road.admin.fill({"Site": "01 Lakeside Hospital", "Role": role})
        road.admin.press("Add to the delegation log")
        if role == "Investigator":
            road.admin.follow("Record identity and certification")
            road.admin.fill({"Identity verified on": "t", "Certification recorded on": "t"})
            road.admin.press("Record")
            road.admin.read("may sign where an investigator")
        road.admin.follow("Record training")
        road.admin.fill({"Trained on": "-1", "Evidence": "Certificate 12, binder 3"})
        road.admin.press("Record training")
        link = road.letters.link_in_last(address)
        desk.set_password(link)
        desk.open(link)
        desk.read("This link does not work")
        desk.sign_in(username)
    road.admin.look("person")


def screen(road: Road) -> None:
    """Consent, results, marrow, and the questions that no laboratory answers."""
    site = road.coordinator
    site.open("/subjects/")
    site.look("no-subjects")
    site.follow("Screen a new subject")
    site.fill({
        "Date of consent": "t", "Time of consent": "08:30", "Year of birth": "1960",
    })  # fmt: skip
    site.choose({"18 or older": "Yes", "Sex": "Female"})
    site.look("screen")
    site.press("Start screening")
    site.read("01-S001 is in screening.")
    road.subject = site.address.removesuffix("/eligibility/")
    site.open(f"{road.subject}/visits/scr/labs/?panels=all")
    site.fill({"Collected": "t", "Laboratory": "Lakeside Laboratory"})
    site.enter({**SCREENING, "hcg_serum": "Negative"})
    site.press("Save results")
    site.read("Results saved: 9 recorded.")
    site.open(f"{road.subject}/visits/scr/disease/")
    site.fill({"Date of marrow": "t", "Marrow plasma cells, %": "14"})
    site.press("Save disease assessment")
    site.open(f"{road.subject}/eligibility/")
    before = site.counted
    site.choose(ANSWERS)
    site.fill({"Date of diagnosis": "3 Mar 2021"})
    site.look("eligibility")
    site.press("Save and send to investigator")
    # A click takes 2.65 s, a typed character 0.28 s, a page 1 s.
    assert 2.65 * (site.counted - before) + 0.28 * len("3 Mar 2021") + 2 <= 90
    site.read("Sent. The site's investigators are told by mail.")


def sign_eligibility(road: Road) -> None:
    """The investigator is told by mail, sees the evidence, and signs."""
    signer = road.investigator
    wait_until(lambda: len(road.letters.to(INVESTIGATOR)) == 2, "the mail about the checklist")
    signer.open(road.letters.link_in_last(INVESTIGATOR))
    signer.look("eligibility-review")
    signer.fill({"User name": "ines", "Password": PASSWORD})
    signer.press("Sign eligibility")
    signer.read("Eligibility is signed.")


def start_treatment(road: Road) -> None:
    """Registration, and the first dose a week later as Day 1."""
    site = road.coordinator
    site.open(f"{road.subject}/eligibility/")
    site.follow("Register subject")
    site.look("registration")
    site.press("Register subject")
    site.read("01-S001 is registered as 01-001.")
    it_is("2024-01-15 16:00")
    site.open("/my-work/")
    site.look("my-work")
    site.tab.page.locator("[data-next-task]").click()
    site.look("first-dose")
    site.fill({"First dose of anakinra given on": "t"})
    site.press("Start treatment")
    site.read("Treatment has begun.")


def follow_six_months(road: Road) -> None:
    """A panel every month; the page says what it would lead to."""
    site = road.coordinator
    for code, (day, spike) in MONTHS.items():
        it_is(f"{day} 16:00")
        site.open(f"{road.subject}/visits/{code}/labs/")
        site.fill({"Collected": "t", "Laboratory": "Lakeside Laboratory"})
        site.enter({"serum_m": spike, "urine_m": "50", "flc_kappa": "31", "flc_lambda": "12", "hb": "12.8"})
        if code == "m06":
            site.look("laboratory-grid")
        site.press("Save results")
        site.read("Results saved: 5 recorded.")
    site.open(f"{road.subject}/visits/")
    site.look("visits")
    site.open(f"{road.subject}/labs/")
    site.look("all-results")
    site.open("/subjects/")
    site.look("subjects")


def decide(road: Road) -> None:
    """The worker proposes, the investigator is told, reads why, and signs."""
    signer = road.investigator
    wait_until(lambda: len(road.letters.to(INVESTIGATOR)) >= 3, "the mail about the decision")
    assert "A treatment decision waits" in road.letters.to(INVESTIGATOR)[-1]["Subject"]
    signer.open(road.letters.link_in_last(INVESTIGATOR))
    signer.read("Stable disease", "Low-dose")
    signer.look("decision")
    signer.fill({"Password": PASSWORD})
    signer.press("Sign phase decision")
    signer.read("Signed. Anakinra + low-dose dex starts on 15 Jul 2024.")
    signer.look("signed-decision")
    signer.open(f"{road.subject}/")
    signer.look("overview")


def record_doses(road: Road) -> None:
    """Thirty days in at most eight actions."""
    site = road.coordinator
    it_is("2024-08-13 16:00")
    site.open(f"{road.subject}/dosing/?day=2024-07-15")
    before = site.counted
    site.unfold("Fill a range of days")
    site.fill({"From": "15jul", "To": "13aug"})
    site.press("Record these days")
    site.read("30 days recorded as taken.")
    assert site.counted - before <= 8
    site.look("dosing")


def end_treatment(road: Road) -> None:
    """The investigator signs the end of treatment; five years of contacts are planned."""
    signer = road.investigator
    signer.open(f"{road.subject}/off-study/")
    signer.fill({"Last dose": "t", "Reason": "Unacceptable toxicity", "Password": PASSWORD})
    signer.look("end-of-treatment")
    signer.press("Sign end of treatment")
    signer.read("Treatment ended with the last dose on 13 Aug 2024.")
    road.coordinator.open(f"{road.subject}/follow-up/")
    road.coordinator.read("Follow-up month 6", "13 Feb 2025", "Follow-up month 60")
    road.coordinator.look("follow-up")


def remind(road: Road) -> None:
    """A week before the contact is due the site is reminded by mail, once however often the sweep runs."""
    it_is("2025-02-06 16:00")
    before = len(road.letters.to(COORDINATOR))
    for _ in range(2):
        sweep_reminders.delay()
        drain_outbox.delay()
    wait_until(lambda: len(road.letters.to(COORDINATOR)) > before, "the reminder")
    reminder = road.letters.to(COORDINATOR)[-1]
    assert reminder["Subject"] == "A follow-up contact waits: subject 01-001"
    assert "Follow-up month 6 of subject 01-001 is due in a week." in reminder.get_content()
    site = road.coordinator
    site.open(road.letters.link_in_last(COORDINATOR))
    site.look("contact")
    road.admin.open("/mail/")
    road.admin.look("mail")
    assert len(road.letters.to(COORDINATOR)) == before + 1
