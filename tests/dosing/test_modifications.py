"""Orders to hold, reduce or stop a drug: what is given changes, the calendar never does."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from dosing import selectors
from dosing.models import DoseModification, DoseRecord
from dosing.selectors.calendar import Calendar
from dosing.services.modifications import Order, end_modification, mark_modification_in_error, modify_dose
from protocol.doses import Modification, PlannedDose, ordered_mg
from protocol.vocabulary import DoseAction, Drug, Phase
from tests import world_dosing as treat
from tests.dosing.test_pages import hidden, text_of
from tests.world import World, log_in
from tests.world_labs import morning
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Subject
from trialsite.services.subjects import Refused

FEB = date(2024, 2, 1)


@pytest.fixture
def subject(world: World, on_anakinra: Subject) -> Subject:
    world.at = morning(date(2024, 2, 20))
    return on_anakinra


def everything(world: World) -> Any:
    return reading(system_actor("re-evaluation"), world.at)


def who(world: World, subject: Subject) -> dict[str, Any]:
    coordinator = world.person(Role.COORDINATOR)
    return {"by": coordinator, "at": world.at, "subject_id": subject.pk, "site_id": subject.site_id}


def order(world: World, subject: Subject, **given: Any) -> DoseModification:
    wanted = {
        "drug": Drug.ANAKINRA,
        "action": DoseAction.REDUCE,
        "starts_on": FEB,
        "reason": "ANC 0.8",
        "mg": Decimal(50),
    }
    return modify_dose(**who(world, subject), token=uuid4(), order=Order(**{**wanted, **given}))


def days(world: World, subject: Subject) -> list[date]:
    with everything(world):
        return [dose.on for dose in selectors.planned_doses(subject, world.at.date())]


@pytest.mark.req("E6", "E7")
def test_a_reduction_lowers_what_is_given_and_moves_nothing(world: World, subject: Subject) -> None:
    before = days(world, subject)
    found = order(world, subject)
    end_modification(**who(world, subject), modification_id=found.pk, ends_on=FEB + timedelta(days=9))
    treat.fill(world, subject, treat.DAY1, date(2024, 2, 19))
    assert days(world, subject) == before
    with everything(world):
        given_mg = dict(DoseRecord.objects.values_list("on", "given_mg"))
        planned_mg = set(DoseRecord.objects.values_list("planned_mg", flat=True))
        (total,) = Calendar(subject, world.at.date()).totals()
    assert planned_mg == {100}
    assert given_mg[FEB - timedelta(days=1)] == given_mg[FEB + timedelta(days=10)] == 100
    assert {given_mg[FEB + timedelta(days=n)] for n in range(10)} == {50}
    assert total.taken == total.planned == 36
    assert total.rate == Decimal(3600 - 500) / 3600 * 100
    assert total.given_mg == Decimal(3600 - 500)


@pytest.mark.req("E7")
def test_a_hold_offers_held_and_what_was_taken_all_the_same_counts(world: World, subject: Subject) -> None:
    order(world, subject, action=DoseAction.HOLD, mg=None)
    with everything(world):
        day = Calendar(subject, world.at.date()).day(FEB)
    assert day.doses[0].is_withheld
    treat.fill(world, subject, FEB, FEB)
    with everything(world):
        assert DoseRecord.objects.get(on=FEB).given_mg == 100


REFUSED = (
    ({"reason": " "}, "Say why the drug is held, reduced or stopped."),
    ({"mg": Decimal(100)}, "100 mg is not less than the planned 100 mg."),
    ({"mg": None}, "Enter the reduced dose"),
    ({"mg": Decimal(0)}, "To give nothing, hold or stop"),
    ({"starts_on": date(2024, 1, 1)}, "Treatment began on 15 Jan 2024"),
    ({"ends_on": date(2024, 1, 31)}, "lies before the first"),
    ({"drug": Drug.DEXAMETHASONE, "mg": Decimal(8)}, "No dexamethasone dose is planned".replace("d", "D", 1)),
)


@pytest.mark.parametrize(("given_", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_what_cannot_be_is_refused(world: World, subject: Subject, given_: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused) as refusal:
        order(world, subject, **given_)
    assert sentence.lower() in str(refusal.value).lower()


def test_a_stop_is_not_taken_up_again_and_an_error_counts_no_more(world: World, subject: Subject) -> None:
    found = order(world, subject, action=DoseAction.STOP, mg=None)
    with pytest.raises(Refused, match="is not taken up again"):
        end_modification(**who(world, subject), modification_id=found.pk, ends_on=FEB)
    mark_modification_in_error(**who(world, subject), modification_id=found.pk, reason="Wrong subject")
    with pytest.raises(Refused, match="already"):
        mark_modification_in_error(**who(world, subject), modification_id=found.pk, reason="Again")
    with everything(world):
        assert not Calendar(subject, world.at.date()).day(FEB).doses[0].is_withheld


def test_outside_treatment_nothing_is_ordered(world: World) -> None:
    with pytest.raises(Refused, match="while the subject is under treatment"):
        order(world, treat.registered(world))


@pytest.mark.req("D13")
def test_sent_twice_is_one_order(world: World, subject: Subject) -> None:
    token, wanted = uuid4(), Order(Drug.ANAKINRA, DoseAction.HOLD, FEB, "ANC 0.8")
    first = modify_dose(**who(world, subject), token=token, order=wanted)
    assert modify_dose(**who(world, subject), token=token, order=wanted).pk == first.pk
    with everything(world):
        assert DoseModification.objects.count() == 1


modifications = st.lists(
    st.builds(
        Modification, st.sampled_from(list(Drug)), st.sampled_from(list(DoseAction)), st.dates(FEB, date(2024, 3, 1)),
        st.none() | st.dates(FEB, date(2024, 4, 1)), st.none() | st.integers(1, 300).map(Decimal),
    ),
    max_size=4,
)  # fmt: skip


@pytest.mark.req("E7")
@given(modifications, st.dates(FEB, date(2024, 4, 1)))
def test_an_order_never_gives_more_than_was_planned(orders: list[Modification], on: date) -> None:
    dose = PlannedDose(on, Drug.ANAKINRA, Decimal(100), Phase.INDUCTION, 1, 1, 1, 1, Phase.INDUCTION)
    given_mg = ordered_mg(dose, orders)
    assert 0 <= given_mg <= dose.mg
    if not any(one.drug is dose.drug and one.covers(on) for one in orders):
        assert given_mg == dose.mg


# ---------------------------------------------------------------- the page


def test_an_order_by_hand(world: World, subject: Subject, client: Client) -> None:
    log_in(client, world.person(Role.INVESTIGATOR))
    url = reverse("subject_modifications", args=[subject.key])
    sent = {
        **hidden(client.get(url), "order"), "drug": Drug.ANAKINRA.value, "order_action": "REDUCE", "mg": "50",
        "starts_on": "1 Feb 2024", "why": "ANC 0.8",
    }  # fmt: skip
    for wrong, sentence in (
        ({"mg": ""}, "Enter the reduced dose in mg."),
        ({"mg": "half"}, "Enter a number, for example 12."),
        ({"why": ""}, "Say why the drug is held"),
        ({"order_action": ""}, "Choose hold, reduce or stop."),
    ):
        refused = client.post(url, {**sent, **wrong})
        assert (refused.status_code, sentence in text_of(refused)) == (422, True), sentence
    assert "Reduce to 50 mg" in text_of(client.post(url, sent, follow=True))
    calendar = text_of(client.get(reverse("subject_dosing", args=[subject.key])))
    assert "Anakinra is reduced to 50 mg since 1 Feb 2024." in calendar
    assert "Anakinra 50 mg SC, reduced from 100 mg" in calendar
    with everything(world):
        found = DoseModification.objects.get()
    ended = client.post(url, {"action": "end", "modification_id": found.pk, "ends_on": "10feb"}, follow=True)
    assert "10 Feb 2024" in text_of(ended)
    wrong_entry = {"action": "wrong", "modification_id": found.pk}
    assert "Say why this entry is wrong." in text_of(client.post(url, wrong_entry))
    assert "Entered in error: Typed twice" in text_of(
        client.post(url, {**wrong_entry, "reason": "Typed twice"}, follow=True)
    )


def test_a_hold_is_offered_on_the_day_form(world: World, subject: Subject, client: Client) -> None:
    order(world, subject, action=DoseAction.HOLD, mg=None)
    log_in(client, world.person(Role.COORDINATOR))
    page = client.get(reverse("subject_dosing", args=[subject.key]), {"day": "2024-02-20"}).content.decode()
    assert 'value="held" ' in page
    assert "Anakinra is on hold since 1 Feb 2024." in page
