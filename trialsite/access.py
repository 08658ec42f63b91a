"""Who may do what, where and when: one table, one question.

Authority is person x role x site x time window (`Delegation`). A role at the coordinating centre reaches over
all sites. System actors are named, each with the duties it needs and no others.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.core.exceptions import PermissionDenied

from trialsite.days import day_at
from trialsite.models.people import Role


class Duty(StrEnum):
    """What can be done. The words are shown on the permissions page."""

    VIEW_SUBJECT = "See subjects and their data"
    SCREEN_SUBJECT = "Screen a new subject"
    ENTER_DATA = "Enter and correct clinical data"
    REGISTER_SUBJECT = "Register a subject"
    RECORD_DOSE = "Record doses"
    KEEP_SUPPLY = "Receive, dispense and take back study drug"
    SIGN = "Sign as investigator"
    REPORT_TO_AUTHORITY = "Record that the authority was told of a serious event"
    CONFIRM_PARAMETER = "Confirm a protocol parameter"
    ACTIVATE_PROTOCOL = "Activate a protocol version"
    RAISE_QUERY = "Ask a query"
    ANSWER_QUERY = "Answer a query"
    CLOSE_QUERY = "Close or reopen a query"
    VERIFY_SOURCE = "Verify data against the source"
    LOCK = "Freeze, lock and unlock data"
    ASK_UNLOCK = "Ask for an unlock"
    MANAGE_RANGES = "Keep laboratories and reference ranges"
    MANAGE_CONSENT = "Keep the versions of the consent form"
    IMPORT_LABS = "Upload laboratory files; the site imports their rows"
    MANAGE_PEOPLE = "Invite people and keep the delegation log"
    MANAGE_SITES = "Keep sites"
    RETRY_WORK = "See work that failed, and have it tried again"
    VIEW_MAIL = "See what was mailed and why"
    VIEW_DASHBOARD = "See dashboards, and the subjects behind their figures"
    VIEW_ACCRUAL = "See how many subjects each site has registered, in full fives"
    VIEW_AUDIT = "Read the audit trail, as far as its records may be seen"
    EXPORT = "Export data"
    PROPOSE_PHASE = "Propose a treatment phase"
    SEND_REMINDER = "Send reminders"
    RAISE_ALERT = "Tell of wrong credentials and of work that failed"
    SET_UP = "Make the first account"


_EVERYBODY = frozenset(Role)
SITE_STAFF = frozenset({Role.COORDINATOR, Role.INVESTIGATOR})
_CLINICAL = _EVERYBODY - {Role.ADMIN}

#: The whole permission table: documentation, check and test parameters in one.
DUTIES: dict[Duty, frozenset[Role]] = {
    Duty.VIEW_SUBJECT: _CLINICAL,
    Duty.SCREEN_SUBJECT: SITE_STAFF,
    Duty.ENTER_DATA: SITE_STAFF,
    Duty.REGISTER_SUBJECT: SITE_STAFF,
    Duty.RECORD_DOSE: SITE_STAFF,
    Duty.KEEP_SUPPLY: SITE_STAFF,
    Duty.SIGN: frozenset({Role.INVESTIGATOR}),
    Duty.REPORT_TO_AUTHORITY: frozenset({Role.DATA_MANAGER}),
    Duty.CONFIRM_PARAMETER: frozenset({Role.INVESTIGATOR}),
    Duty.ACTIVATE_PROTOCOL: frozenset({Role.INVESTIGATOR}),
    Duty.RAISE_QUERY: frozenset({Role.DATA_MANAGER, Role.MONITOR}),
    Duty.ANSWER_QUERY: SITE_STAFF,
    Duty.CLOSE_QUERY: frozenset({Role.DATA_MANAGER, Role.MONITOR}),
    Duty.VERIFY_SOURCE: frozenset({Role.MONITOR}),
    Duty.LOCK: frozenset({Role.DATA_MANAGER}),
    Duty.ASK_UNLOCK: SITE_STAFF,
    Duty.MANAGE_RANGES: frozenset({Role.ADMIN, Role.DATA_MANAGER}),
    Duty.MANAGE_CONSENT: frozenset({Role.ADMIN, Role.DATA_MANAGER}),
    Duty.IMPORT_LABS: frozenset({Role.COORDINATOR, Role.DATA_MANAGER}),
    Duty.MANAGE_PEOPLE: frozenset({Role.ADMIN}),
    Duty.MANAGE_SITES: frozenset({Role.ADMIN}),
    Duty.RETRY_WORK: frozenset({Role.ADMIN}),
    Duty.VIEW_MAIL: _EVERYBODY,
    Duty.VIEW_DASHBOARD: _CLINICAL - {Role.COORDINATOR},
    Duty.VIEW_ACCRUAL: _EVERYBODY - _CLINICAL,
    Duty.VIEW_AUDIT: _EVERYBODY - {Role.STATISTICIAN},
    Duty.EXPORT: frozenset({Role.ADMIN, Role.DATA_MANAGER, Role.STATISTICIAN}),
    Duty.PROPOSE_PHASE: frozenset(),
    Duty.SEND_REMINDER: frozenset(),
    Duty.RAISE_ALERT: frozenset(),
    Duty.SET_UP: frozenset(),
}

_READS = frozenset({Duty.VIEW_SUBJECT, Duty.VIEW_MAIL, Duty.VIEW_DASHBOARD, Duty.VIEW_ACCRUAL, Duty.VIEW_AUDIT})
#: What staff of a treating site may do only once they are trained in the protocol version in force: all that writes.
AFTER_TRAINING: frozenset[Duty] = frozenset(duty for duty, roles in DUTIES.items() if roles & SITE_STAFF) - _READS

#: Nobody may hold two of these at one time, wherever: who enters does not verify, who administers does neither.
CONFLICTING_ROLES: tuple[frozenset[Role], ...] = (
    frozenset({Role.COORDINATOR, Role.DATA_MANAGER}),
    frozenset({Role.COORDINATOR, Role.MONITOR}),
    frozenset({Role.INVESTIGATOR, Role.DATA_MANAGER}),
    frozenset({Role.INVESTIGATOR, Role.MONITOR}),
    frozenset({Role.ADMIN, Role.COORDINATOR}),
    frozenset({Role.ADMIN, Role.INVESTIGATOR}),
)

#: System actors and what each was granted.
SYSTEM_ACTORS: dict[str, frozenset[Duty]] = {
    "installation": frozenset({Duty.SET_UP, Duty.MANAGE_PEOPLE, Duty.MANAGE_SITES, Duty.MANAGE_RANGES}),
    "re-evaluation": frozenset({Duty.VIEW_SUBJECT, Duty.PROPOSE_PHASE}),
    "reminders": frozenset({Duty.VIEW_SUBJECT, Duty.SEND_REMINDER}),
    "mail": frozenset({Duty.VIEW_MAIL}),
    "laboratory interface": frozenset({Duty.VIEW_SUBJECT, Duty.IMPORT_LABS}),
    "guard": frozenset({Duty.RAISE_ALERT}),
    "export": frozenset({Duty.VIEW_SUBJECT, Duty.EXPORT, Duty.VIEW_AUDIT}),
    "verification": frozenset({Duty.VIEW_SUBJECT, Duty.VIEW_AUDIT}),
}

ALL_SITES = 0


@dataclass(frozen=True)
class Grant:
    """One line of the delegation log. `site_id` is ALL_SITES for the coordinating centre."""

    role: Role
    site_id: int
    starts_on: date
    ends_on: date | None
    time_zone: str = "UTC"

    def covers(self, site_id: int | None, on: date) -> bool:
        in_time = self.starts_on <= on and (self.ends_on is None or on <= self.ends_on)
        return in_time and self.site_id in {ALL_SITES, site_id}


@dataclass(frozen=True)
class Actor:
    """Exactly one person (`user_id`) or one system actor (`system`).

    trained_on: day of the training in `protocol_version`, which is the one in force; None if none is recorded.
    """

    printed_name: str
    user_id: int | None = None
    system: str = ""
    grants: tuple[Grant, ...] = ()
    protocol_version: str = ""
    trained_on: date | None = None

    def roles(self, site_id: int | None, on: date) -> frozenset[Role]:
        """Roles that this person holds at that site (None: at the coordinating centre) on that day."""
        return frozenset(grant.role for grant in self.grants if grant.covers(site_id, on))

    def is_trained(self, site_id: int | None, at: datetime) -> bool:
        """True if the training in the version in force counts at that site, by the day that it is there."""
        zones = [grant.time_zone for grant in self.grants if grant.site_id == site_id]
        day = day_at(at, zones[0] if zones else "UTC")
        return self.trained_on is not None and self.trained_on <= day

    def site_ids(self, on: date) -> frozenset[int]:
        """Sites in reach on that day; ALL_SITES stands for every one."""
        return frozenset(grant.site_id for grant in self.grants if grant.covers(grant.site_id, on))


def system_actor(name: str) -> Actor:
    """A named system actor. KeyError for a name that nobody granted anything."""
    return Actor(printed_name=f"System: {name}", system=name) if SYSTEM_ACTORS[name] else Actor(name)


def role_for(by: Actor, duty: Duty, site_id: int | None, at: datetime) -> Role | None:
    """The role in which `by` may do this at that site now, None if there is none."""
    held = by.roles(site_id, at.date()) & DUTIES[duty]
    if duty in AFTER_TRAINING and not by.is_trained(site_id, at):
        held -= SITE_STAFF
    return sorted(held)[0] if held else None


def training_needed(by: Actor, at: datetime) -> str:
    """What to tell somebody whose work at a site waits for training today; empty for everybody else."""
    lines = [grant for grant in by.grants if grant.role in SITE_STAFF and grant.covers(grant.site_id, at.date())]
    if all(by.is_trained(grant.site_id, at) for grant in lines):
        return ""
    return (
        f"No training in protocol version {by.protocol_version} is recorded for you up to today: you can read, "
        "not enter or sign. Ask an administrator to record it on your page."
    )


def can(by: Actor, duty: Duty, site_id: int | None, at: datetime) -> bool:
    if by.system:
        return duty in SYSTEM_ACTORS[by.system]
    return role_for(by, duty, site_id, at) is not None


def can_anywhere(by: Actor, duty: Duty, at: datetime) -> bool:
    """True if the duty is held at any site at all (for menus and list pages)."""
    return any(can(by, duty, site_id, at) for site_id in by.site_ids(at.date())) or can(by, duty, None, at)


def check_may(by: Actor, duty: Duty, site_id: int | None, at: datetime) -> None:
    """Raise PermissionDenied with a sentence for the user unless the duty is held there and then."""
    if not can(by, duty, site_id, at):
        waits = by.roles(site_id, at.date()) & DUTIES[duty] & SITE_STAFF
        if waits and (words := training_needed(by, at)):
            raise PermissionDenied(words)
        raise PermissionDenied(f"Your role does not include this: {duty.value.lower()}.")
