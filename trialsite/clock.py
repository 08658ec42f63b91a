"""The only clock below views, tasks and commands: real time plus an offset that production refuses.

The database's audit time is always real; this clock moves domain times, for the demonstration and for tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings

_held: ContextVar[datetime | None] = ContextVar("held_clock", default=None)


def offset() -> timedelta:
    """How far this clock is ahead of real time; zero unless a clock file is configured."""
    if not settings.CLOCK_FILE:
        return timedelta(0)
    path = Path(settings.CLOCK_FILE)
    return timedelta(seconds=int(path.read_text())) if path.exists() else timedelta(0)


def now() -> datetime:
    """The present instant, in UTC."""
    return _held.get() or datetime.now(UTC) + offset()


def today(time_zone: str = "UTC") -> date:
    """The present date where the site is."""
    return now().astimezone(ZoneInfo(time_zone)).date()


@contextmanager
def holding(moment: datetime) -> Iterator[None]:
    """Let this process live at `moment` for a while. RuntimeError where the clock cannot be moved."""
    _check_movable()
    token = _held.set(moment)
    try:
        yield
    finally:
        _held.reset(token)


def set_offset(ahead: timedelta) -> None:
    """Move the clock for every process that reads the same file. RuntimeError where no file is configured."""
    _check_movable()
    path = Path(settings.CLOCK_FILE)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(int(ahead.total_seconds())))


def _check_movable() -> None:
    if not settings.CLOCK_FILE:
        raise RuntimeError("This installation runs on real time; its clock cannot be moved.")
