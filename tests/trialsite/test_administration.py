"""Administration: accounts, single-use links, the delegation log, sites, and who may do any of it."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core import mail
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from tests.world import PASSWORD, World, log_in, new_world
from trialsite import clock
from trialsite.access import CONFLICTING_ROLES, Actor, Duty, can
from trialsite.actors import actor_for
from trialsite.context import reading, writing
from trialsite.models import Delegation, Invitation, Mail, Role, Site, User
from trialsite.people_forms import SiteForm
from trialsite.services import people
from trialsite.services.subjects import Refused

NEW = "seven quiet horses over water"
FORM_PAGES = ("site_new", "user_invite")


@pytest.fixture
def world(db: None) -> World:
    return new_world(clock.now())


@pytest.fixture
def admin(world: World, client: Client) -> Client:
    return log_in(client, world.admin)


def invited(admin: Client, username: str = "m.okafor") -> tuple[User, str]:
    """Invite somebody through the page; the account and the token of the link that the page shows."""
    data = {"printed_name": "Mary Okafor", "username": username, "email": "mary@example.org"}
    response = admin.post(reverse("user_invite"), data)
    assert response.status_code == 200
    found = re.search(r"/accounts/welcome/([\w-]+)/", response.content.decode())
    assert found
    return User.objects.get(username=username), found[1]


def text(response: object) -> str:
    return re.sub(r"\s+", " ", response.content.decode())  # type: ignore[attr-defined]


# -- invitations and passwords


@pytest.mark.req("A1", "C6")
def test_an_invited_person_sets_the_password_and_signs_in(admin: Client, client: Client, world: World) -> None:
    user, token = invited(admin)
    assert not user.has_usable_password()
    visitor = Client()
    page = visitor.get(reverse("welcome", args=[token]))
    assert "m.okafor" in text(page)
    response = visitor.post(reverse("welcome", args=[token]), {"password": NEW, "again": NEW})
    assert (response.status_code, response.headers["Location"]) == (303, "/accounts/sign-in/")
    assert User.objects.get(pk=user.pk).check_password(NEW)


@pytest.mark.req("C6")
def test_a_link_works_once(admin: Client) -> None:
    user, token = invited(admin)
    address = reverse("welcome", args=[token])
    Client().post(address, {"password": NEW, "again": NEW})
    assert Client().get(address).status_code == 404
    second = Client().post(address, {"password": NEW + "2", "again": NEW + "2"})
    assert "does not work" in text(second)
    assert User.objects.get(pk=user.pk).check_password(NEW)


@pytest.mark.req("C6")
def test_a_link_expires(admin: Client, world: World) -> None:
    _, token = invited(admin)
    just_before = clock.now() + people.LINK_VALID_FOR - timedelta(minutes=1)
    assert people.standing_invitation(token, just_before) is not None
    assert people.standing_invitation(token, just_before + timedelta(minutes=2)) is None


@pytest.mark.req("C6")
def test_the_link_is_mailed_and_kept_nowhere(admin: Client, world: World) -> None:
    user, token = invited(admin)
    (message,) = mail.outbox
    assert message.to == ["mary@example.org"]
    assert token in message.body
    with reading(world.admin, clock.now()):
        (row,) = Mail.objects.filter(recipient=user)
    assert token not in row.body
    assert row.sent_at is not None
    assert not Invitation.objects.filter(token_digest__contains=token).exists()
    assert token not in text(admin.get(reverse("user", args=[user.pk])))


def test_a_dead_mail_server_does_not_lose_the_invitation(
    admin: Client, monkeypatch: pytest.MonkeyPatch, world: World
) -> None:
    def refuse(self: object) -> int:
        raise ConnectionRefusedError("no mail server")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    user, token = invited(admin)
    assert Client().get(reverse("welcome", args=[token])).status_code == 200
    with reading(world.admin, clock.now()):
        assert not Mail.objects.filter(recipient=user).exists()


@pytest.mark.req("C6")
def test_a_new_link_stops_the_earlier_one_and_leaves_the_password(admin: Client) -> None:
    user, first = invited(admin)
    Client().post(reverse("welcome", args=[first]), {"password": NEW, "again": NEW})
    shown = admin.post(reverse("user_link", args=[user.pk]))
    token = re.search(r"/accounts/welcome/([\w-]+)/", text(shown))[1]  # type: ignore[index]
    shown_again = admin.post(reverse("user_link", args=[user.pk]))
    assert Client().get(reverse("welcome", args=[token])).status_code == 404
    newest = re.search(r"/accounts/welcome/([\w-]+)/", text(shown_again))[1]  # type: ignore[index]
    assert User.objects.get(pk=user.pk).check_password(NEW), "until the owner sets a new one"
    Client().post(reverse("welcome", args=[newest]), {"password": NEW + " twice", "again": NEW + " twice"})
    assert User.objects.get(pk=user.pk).check_password(NEW + " twice")


@pytest.mark.req("C6")
def test_a_link_sets_its_owners_password_only(admin: Client, world: World) -> None:
    _, token = invited(admin)
    coordinator = world.person(Role.COORDINATOR)
    with pytest.raises(Refused, match="used already"):
        people.set_password_by_link(at=clock.now(), token=token, password=NEW, own=coordinator)


@pytest.mark.req("C6")
def test_no_page_of_administration_takes_a_password(admin: Client, world: World) -> None:
    user, _ = invited(admin)
    pages = [reverse(name) for name in FORM_PAGES]
    pages += [
        reverse(name, args=[user.pk])
        for name in ("user", "user_link", "user_delegate", "user_training", "user_deactivate")
    ]
    for page in pages:
        assert 'type="password"' not in text(admin.get(page)).split("</main>")[0], page
    admin.post(reverse("user_link", args=[user.pk]), {"password": NEW, "again": NEW})
    assert not User.objects.get(pk=user.pk).has_usable_password()


LENGTH, OWN_WORDS, ALIKE = "at least 14 characters", "mostly words of the trial", "too similar"
RUNS, COMMON = "mostly repeats or runs", "too common"


@pytest.mark.req("A14")
@pytest.mark.parametrize(
    ("password", "sentences"),
    [
        ("thirteen char", {LENGTH}),
        ("myelomaanakinra2024", {OWN_WORDS}),
        ("Kineret-Trial-Study-1", {OWN_WORDS}),
        ("Mary.Okafor.Mary1", {ALIKE, OWN_WORDS}),
        ("mary@example.org", {ALIKE, OWN_WORDS}),
        ("michaeljackson", {COMMON}),
        ("ManchesterUnited", {COMMON}),
        ("aaaaaaaaaaaaaaaaa1", {RUNS}),
        ("1212121212121212", {RUNS}),
        ("aaaabbbbccccdddd", {RUNS}),
        ("qwertyuiopasdfgh", {RUNS}),
        ("Mnbvcxzlkjhgfdsa", {RUNS}),
        ("qwertzuiopyxcvbnm", {RUNS}),
        ("azertyuiopqsdfghj", {RUNS}),
        ("1234567890123456", {RUNS}),
        ("abcdefghijklmnop", {RUNS}),
        ("zyxwvu987654321", {RUNS}),
        ("qwerty-123456-abcdef", {RUNS}),
        (NEW, set()),
        ("Zwölf Boxkämpfer jagen", set()),
        ("we were there as three", set()),
        ("x" * 3 + " seven horses " * 8, set()),
    ],
)
def test_password_rules(password: str, sentences: set[str]) -> None:
    """Each row is refused by the rules that say these sentences and by no other; without one it is taken."""
    user = User(username="m.okafor", printed_name="Mary Okafor", email="mary@example.org")
    assert {said for said in (LENGTH, OWN_WORDS, ALIKE, RUNS, COMMON) if said in refusal(password, user)} == sentences


def refusal(password: str, user: User) -> str:
    try:
        validate_password(password, user)
    except ValidationError as refused:
        return " ".join(refused.messages)
    return ""


@pytest.mark.req("A14")
def test_a_weak_or_mistyped_password_comes_back_with_a_sentence(admin: Client) -> None:
    user, token = invited(admin)
    address = reverse("welcome", args=[token])
    short = Client().post(address, {"password": "short", "again": "short"})
    assert short.status_code == 422
    assert "at least 14 characters" in text(short)
    unlike = Client().post(address, {"password": NEW, "again": NEW + "x"})
    assert "The two are not the same." in text(unlike)
    assert not User.objects.get(pk=user.pk).has_usable_password()


@pytest.mark.req("A1")
def test_user_names_are_unique_whatever_the_case_and_never_given_again(admin: Client, world: World) -> None:
    user, _ = invited(admin)
    people.deactivate(by=world.admin, at=clock.now(), user_id=user.pk, reason="Left")
    data = {"printed_name": "Somebody else", "username": "m.okafor", "email": "else@example.org"}
    response = admin.post(reverse("user_invite"), data)
    assert response.status_code == 422
    assert "User names are never used twice." in text(response)
    assert "Somebody else" in text(response), "what was typed is kept"
    with pytest.raises(IntegrityError, match="user_username_once"), transaction.atomic():
        User.objects.create(username="M.OKAFOR", printed_name="x", email="x@example.org", created_at=clock.now())


def test_an_invitation_needs_every_answer(admin: Client) -> None:
    response = admin.post(reverse("user_invite"), {"printed_name": "", "username": "Mary O", "email": "mary"})
    assert response.status_code == 422
    for words in ("Enter the person&#x27;s name.", "Use small letters", "Enter a whole address."):
        assert words in text(response)
    assert not User.objects.filter(username="Mary O").exists()


# -- own account


def test_a_person_sees_the_own_roles_and_changes_the_own_password(client: Client, world: World) -> None:
    coordinator = world.person(Role.COORDINATOR)
    signed_in = log_in(client, coordinator)
    other = log_in(Client(), coordinator)
    assert "Coordinator" in text(signed_in.get(reverse("profile")))
    wrong = signed_in.post(reverse("profile"), {"present": "wrong", "password": NEW, "again": NEW})
    assert (wrong.status_code, "not your present password" in text(wrong)) == (422, True)
    right = signed_in.post(reverse("profile"), {"present": PASSWORD, "password": NEW, "again": NEW})
    assert right.status_code == 303
    assert signed_in.get(reverse("profile")).status_code == 200, "this session goes on"
    assert other.get(reverse("profile")).status_code == 302, "the others end"
    assert User.objects.get(pk=coordinator.user_id).check_password(NEW)


def test_a_password_changes_only_with_a_proof_of_the_person(world: World) -> None:
    coordinator, investigator = world.person(Role.COORDINATOR), world.person(Role.INVESTIGATOR)
    with pytest.raises(PermissionDenied):
        people.change_own_password(by=coordinator, at=world.at, proof=world.proof(investigator), password=NEW)
    assert User.objects.get(pk=coordinator.user_id).check_password(PASSWORD)


# -- delegation


@pytest.mark.req("A3", "A8")
def test_a_role_is_given_and_ended_on_the_page(admin: Client, world: World) -> None:
    user, _ = invited(admin)
    today = clock.today()
    data = {"site": world.sites["01"].pk, "role": "coordinator", "starts_on": "t", "ends_on": ""}
    assert admin.post(reverse("user_delegate", args=[user.pk]), data).status_code == 303
    line = delegations(world, user).get()
    assert (line.role, line.site_id, line.starts_on) == ("coordinator", world.sites["01"].pk, today)
    assert can(actor_for(user), Duty.VIEW_SUBJECT, line.site_id, clock.now())
    end = reverse("delegation_end", args=[line.pk])
    assert admin.post(end, {"ends_on": "t", "reason": ""}).status_code == 422
    assert admin.post(end, {"ends_on": "t", "reason": "Left the site"}).status_code == 303
    assert can(actor_for(user), Duty.VIEW_SUBJECT, line.site_id, clock.now()), "the last day counts"
    assert not can(actor_for(user), Duty.VIEW_SUBJECT, line.site_id, clock.now() + timedelta(days=1))


def delegations(world: World, user: User) -> object:
    with reading(world.admin, clock.now()):
        pks = list(Delegation.objects.filter(user=user).values_list("pk", flat=True))
    return _Seen(world.admin, pks)


class _Seen:
    """Rows that only somebody in reach of them sees."""

    def __init__(self, reader: Actor, pks: list[int]) -> None:
        self.reader, self.pks = reader, pks

    def get(self) -> Delegation:
        with reading(self.reader, clock.now()):
            return Delegation.objects.select_related("site").get(pk=self.pks[0])


@pytest.mark.req("A8")
@pytest.mark.parametrize("pair", [sorted(pair) for pair in CONFLICTING_ROLES])
@pytest.mark.parametrize("step", [1, -1])
def test_roles_that_exclude_each_other_are_refused_with_a_sentence(
    admin: Client, world: World, pair: list[Role], step: int
) -> None:
    user, _ = invited(admin)
    first, second = pair[::step]
    treating = {Role.COORDINATOR, Role.INVESTIGATOR}
    place = {role: world.sites["01" if role in treating else "00"].pk for role in pair}
    give = reverse("user_delegate", args=[user.pk])
    assert admin.post(give, {"site": place[first], "role": first, "starts_on": "t"}).status_code == 303
    refused = admin.post(give, {"site": place[second], "role": second, "starts_on": "t"})
    assert refused.status_code == 422
    assert "exclude each other in one person" in text(refused)
    assert len(delegations(world, user).pks) == 1  # type: ignore[attr-defined]


@pytest.mark.req("A8")
def test_conflicting_roles_may_follow_each_other(world: World) -> None:
    day = world.at.date()
    user = User.objects.get(pk=world.person(Role.STATISTICIAN).user_id)
    give = {"by": world.admin, "at": world.at, "user_id": user.pk, "site_id": world.sites["01"].pk}
    people.delegate(**give, role=Role.COORDINATOR, starts_on=day, ends_on=day + timedelta(days=9))
    with pytest.raises(Refused, match="exclude each other"):
        people.delegate(**give, role=Role.MONITOR, starts_on=day + timedelta(days=9), ends_on=None)
    people.delegate(**give, role=Role.MONITOR, starts_on=day + timedelta(days=10), ends_on=None)


@pytest.mark.parametrize(
    ("site", "role", "words"),
    [
        ("00", Role.INVESTIGATOR, "a role at a treating site"),
        ("00", Role.COORDINATOR, "a role at a treating site"),
        ("01", Role.ADMIN, "belong to the coordinating centre"),
    ],
)
def test_a_role_has_its_place(world: World, site: str, role: Role, words: str) -> None:
    """An investigator at the coordinating centre would reach over every site."""
    user_id = world.person(Role.STATISTICIAN).user_id or 0
    with pytest.raises(Refused, match=words):
        people.delegate(
            by=world.admin,
            at=world.at,
            user_id=user_id,
            site_id=world.sites[site].pk,
            role=role,
            starts_on=world.at.date(),
            ends_on=None,
        )


def test_a_delegation_line_keeps_its_dates_in_order(world: World) -> None:
    user_id = world.person(Role.COORDINATOR).user_id or 0
    day = world.at.date()
    give = {"by": world.admin, "at": world.at, "user_id": user_id, "site_id": world.sites["02"].pk}
    with pytest.raises(Refused, match="before the first"):
        people.delegate(**give, role=Role.COORDINATOR, starts_on=day, ends_on=day - timedelta(days=1))
    line = people.delegate(**give, role=Role.COORDINATOR, starts_on=day, ends_on=None)
    with pytest.raises(Refused, match="holds the role at this site already"):
        people.delegate(**give, role=Role.COORDINATOR, starts_on=day, ends_on=None)
    end = {"by": world.admin, "at": world.at, "delegation_id": line.pk, "reason": "Left"}
    with pytest.raises(Refused, match="before the first"):
        people.end_delegation(**end, ends_on=day - timedelta(days=1))
    people.end_delegation(**end, ends_on=day)
    with pytest.raises(Refused, match="ended already"):
        people.end_delegation(**end, ends_on=day + timedelta(days=30))


def test_a_deactivated_person_gets_no_role_and_no_link(admin: Client, world: World) -> None:
    user, token = invited(admin)
    page = reverse("user_deactivate", args=[user.pk])
    assert admin.post(page, {"reason": ""}).status_code == 422
    assert admin.post(page, {"reason": "Left the hospital"}).status_code == 303
    assert Client().get(reverse("welcome", args=[token])).status_code == 404
    refused = admin.post(reverse("user_link", args=[user.pk]))
    assert (refused.status_code, "deactivated" in text(refused)) == (422, True)
    give = {"site": world.sites["01"].pk, "role": "coordinator", "starts_on": "t"}
    assert admin.post(reverse("user_delegate", args=[user.pk]), give).status_code == 422
    assert "Deactivated" in text(admin.get(reverse("users")))


def test_nobody_deactivates_the_own_account(world: World) -> None:
    with pytest.raises(Refused, match="another administrator"):
        people.deactivate(by=world.admin, at=world.at, user_id=world.admin.user_id or 0, reason="Oops")


@pytest.mark.req("A1")
def test_an_account_cannot_be_deleted(world: World) -> None:
    with (
        pytest.raises(Exception, match=r"permission denied|protected"),
        writing(by=world.admin, duty=Duty.MANAGE_PEOPLE, site_id=None, at=world.at, reason="Delete"),
    ):
        User.objects.filter(pk=world.admin.user_id).delete()


# -- sites


def test_a_site_is_added_and_changed(admin: Client, world: World) -> None:
    new = {"code": "07", "name": "Hospital 07", "time_zone": "Europe/Berlin", "phone": "", "opened_on": "1 jan 2024"}
    assert admin.post(reverse("site_new"), new).headers["Location"] == "/admin/sites/07/"
    assert Site.objects.get(code="07").opened_on == date(2024, 1, 1)
    again = admin.post(reverse("site_new"), new)
    assert (again.status_code, "Site 07 exists already." in text(again)) == (422, True)
    change = {"name": "Hospital Seven", "time_zone": "UTC", "phone": "1", "closed_on": "", "reason": "Renamed"}
    assert admin.post(reverse("site_change", args=["07"]), change).status_code == 303
    assert "Hospital Seven" in text(admin.get(reverse("site", args=["07"])))
    without = admin.post(reverse("site_change", args=["07"]), {**change, "reason": ""})
    assert (without.status_code, "Say why this changes." in text(without)) == (422, True)


@pytest.mark.parametrize("code", ["7", "ABC", "", "x1"])
def test_a_site_number_has_two_digits(code: str) -> None:
    assert "code" in SiteForm({"code": code}).errors


def test_a_site_does_not_close_before_it_opened(world: World) -> None:
    site = world.sites["01"]
    with pytest.raises(Refused, match="before it opened"):
        people.change_site(
            by=world.admin,
            at=world.at,
            site_id=site.pk,
            name=site.name,
            time_zone=site.time_zone,
            phone="",
            closed_on=site.opened_on - timedelta(days=1),
            reason="Closed",
        )


# -- who may come in

PAGES = ("administration", "sites", "site_new", "users", "user_invite")


@pytest.mark.req("A8")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_administration_is_closed_to_every_other_role(client: Client, world: World, role: Role) -> None:
    signed_in = log_in(client, world.person(role))
    pk = world.admin.user_id
    addresses = [reverse(name) for name in PAGES]
    addresses += [reverse(name, args=["01"]) for name in ("site", "site_change")]
    addresses += [reverse(name, args=[pk]) for name in ("user", "user_link", "user_delegate", "user_deactivate")]
    for address in addresses:
        assert signed_in.get(address).status_code == 403, address
        assert signed_in.post(address, {"reason": "x"}).status_code in {403, 405}, address


@pytest.mark.req("A8")
@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
def test_every_service_of_administration_refuses_every_other_role(world: World, role: Role) -> None:
    by, at = world.person(role), world.at
    pk, site = world.admin.user_id or 0, world.sites["01"]
    person = people.Person("new.one", "New One", "new@example.org")
    calls = [
        lambda: people.invite(by=by, at=at, person=person),
        lambda: people.send_reset_link(by=by, at=at, user_id=pk),
        lambda: people.deactivate(by=by, at=at, user_id=pk, reason="x"),
        lambda: people.delegate(
            by=by, at=at, user_id=pk, site_id=site.pk, role=Role.MONITOR, starts_on=at.date(), ends_on=None
        ),
        lambda: people.open_site(by=by, at=at, code="09", name="x", time_zone="UTC", phone="", opened_on=at.date()),
    ]
    for call in calls:
        with pytest.raises(PermissionDenied):
            call()


@pytest.mark.req("A8")
def test_an_administrator_holds_no_clinical_duty(world: World) -> None:
    clinical = (
        Duty.SCREEN_SUBJECT, Duty.ENTER_DATA, Duty.REGISTER_SUBJECT, Duty.RECORD_DOSE, Duty.SIGN,
        Duty.CONFIRM_PARAMETER, Duty.ANSWER_QUERY, Duty.CLOSE_QUERY, Duty.VIEW_SUBJECT,
    )  # fmt: skip
    for site in (None, world.sites["01"].pk):
        assert not [duty for duty in clinical if can(world.admin, duty, site, world.at)]


def test_pages_ask_the_database_a_constant_number_of_times(
    admin: Client, world: World, django_assert_max_num_queries: object
) -> None:
    for number in range(6):
        invited(admin, f"person.{number}")
    with django_assert_max_num_queries(30):  # type: ignore[operator]
        assert admin.get(reverse("users")).status_code == 200
