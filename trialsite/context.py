"""The database context: who acts, where, why. Set per transaction, gone at its end.

Row level security reads `app.sites` and, for drafts, `app.person`; the audit trigger reads the rest and refuses a
write without an actor.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from psycopg.pq import TransactionStatus

from trialsite.access import ALL_SITES, Actor, Duty, check_may, role_for
from trialsite.lock_words import refusal_of


@dataclass(frozen=True)
class Circumstances:
    """Where a piece of work comes from; recorded with every audit event."""

    request_id: str = ""
    source: str = "shell"


@dataclass(frozen=True)
class _Setting:
    """The value of every `app.*` setting that the database reads."""

    user_id: str = ""
    person: str = ""
    system_actor: str = ""
    role: str = ""
    sites: str = ""
    reason: str = ""
    request_id: str = ""
    source: str = ""
    software: str = ""


_circumstances: ContextVar[Circumstances] = ContextVar("circumstances", default=Circumstances())
_current: ContextVar[_Setting] = ContextVar("database_context", default=_Setting())

_served: ContextVar[frozenset[int]] = ContextVar("served_sites", default=frozenset())

_REASON = "SELECT set_config('app.reason', %s, true)"
_APPLY = """
SELECT set_config('app.user_id', %s, true), set_config('app.person', %s, true),
       set_config('app.system_actor', %s, true),
       set_config('app.role', %s, true), set_config('app.sites', %s, true),
       set_config('app.reason', %s, true), set_config('app.request_id', %s, true),
       set_config('app.source', %s, true), set_config('app.software', %s, true)
"""


@contextmanager
def coming_from(source: str, request_id: str = "") -> Iterator[None]:
    """State where the work inside comes from (web, job, command ...) and under which request id."""
    token = _circumstances.set(Circumstances(request_id=request_id, source=source))
    try:
        yield
    finally:
        _circumstances.reset(token)


@contextmanager
def serving(site_ids: Iterable[int]) -> Iterator[None]:
    """Inside, system actors see these sites only: two processes can do the jobs of different sites side by side."""
    token = _served.set(frozenset(site_ids))
    try:
        yield
    finally:
        _served.reset(token)


@contextmanager
def reading(by: Actor, at: datetime) -> Iterator[None]:
    """One transaction in which `by` sees the sites that are in reach at `at`, and can write nothing.

    Nothing can be written because no actor is set: the audit trigger refuses.
    """
    with _in_transaction(_Setting(person=_person(by), sites=_sites(by, at))):
        yield


@contextmanager
def writing(*, by: Actor, duty: Duty, site_id: int | None, at: datetime, reason: str = "") -> Iterator[None]:
    """One transaction in which `by` writes at one site, authorised for `duty`.

    `reason` is stored with every change of an existing value; the database refuses a change without one.
    PermissionDenied if the duty is not held there and then. Refused, whatever the use case, where the database says
    that the part of the record is frozen or locked: no service has to remember to ask.
    """
    check_may(by, duty, site_id, at)
    role = role_for(by, duty, site_id, at)
    wanted = _Setting(
        user_id=str(by.user_id or ""),
        person=_person(by),
        system_actor=by.system,
        role=role.value if role else "",
        sites=_sites(by, at),
        reason=reason,
        request_id=_circumstances.get().request_id,
        source=_circumstances.get().source,
        software=settings.BUILD,
    )
    try:
        with _in_transaction(wanted):
            yield
    except IntegrityError as error:
        refusal = refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error


@contextmanager
def own_account(by: Actor, *, at: datetime, reason: str) -> Iterator[None]:
    """One transaction in which a person changes the own account (password, second factor) and nothing else's."""
    wanted = _Setting(
        user_id=str(by.user_id),
        sites=_sites(by, at),
        reason=reason,
        request_id=_circumstances.get().request_id,
        source=_circumstances.get().source,
        software=settings.BUILD,
    )
    with _in_transaction(wanted):
        yield


@contextmanager
def because(reason: str) -> Iterator[None]:
    """Inside `writing`: changes made here carry this reason, for example a machine's."""
    before = _current.get()
    token = _current.set(replace(before, reason=reason))
    _run(_REASON, (reason,))
    try:
        yield
    finally:
        _current.reset(token)
        if not _is_broken():
            _run(_REASON, (before.reason,))


def _person(by: Actor) -> str:
    """Whose own rows are seen besides those of the sites: drafts belong to their author alone."""
    return str(by.user_id or "")


def _sites(by: Actor, at: datetime) -> str:
    reach = _served.get() if by.system else by.site_ids(at.date())
    if ALL_SITES in reach or (by.system and not reach):
        return "all"
    return ",".join(str(site_id) for site_id in sorted(reach))


@contextmanager
def _in_transaction(wanted: _Setting) -> Iterator[None]:
    """A transaction of its own, or a savepoint in the one that runs, with these settings."""
    ends_with_transaction = not connection.in_atomic_block
    with transaction.atomic(), _applied(wanted, restore=not ends_with_transaction):
        yield


@contextmanager
def _applied(wanted: _Setting, *, restore: bool = True) -> Iterator[None]:
    """These settings, then the former ones. A transaction's end and a rollback clear them by themselves."""
    before = _current.get()
    token = _current.set(wanted)
    _apply(wanted)
    try:
        yield
    finally:
        _current.reset(token)
        if restore and not _is_broken():
            _apply(before)


def _is_broken() -> bool:
    """After an error of the database nothing can be set; the rollback brings the former settings back by itself."""
    driver = connection.connection
    return connection.needs_rollback or driver is None or driver.info.transaction_status == TransactionStatus.INERROR


def _apply(wanted: _Setting) -> None:
    values = (
        wanted.user_id, wanted.person, wanted.system_actor, wanted.role, wanted.sites,
        wanted.reason, wanted.request_id, wanted.source, wanted.software,
    )  # fmt: skip
    _run(_APPLY, values)


def _run(statement: str, values: tuple[str, ...]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
