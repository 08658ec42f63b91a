"""The account that PostgreSQL runs as: it refuses to run as root."""

import os
import pwd
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trialsite.stack.problems import Problem

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An account without privileges that exists on this machine already."""

    name: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Give `path` to this account."""
        os.chown(path, self.uid, self.gid)

    def can_run(self, command: Sequence[str | Path]) -> bool:
        return succeeds(command, self)


def switch(account: Account | None) -> dict[str, Any]:
    """Arguments of Popen that make the child run as `account`."""
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}


def succeeds(command: Sequence[str | Path], account: Account | None) -> bool:
    """Whether a short command ends well, as `account` or as whoever runs this."""
    try:
        done = subprocess.run(  # noqa: S603
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            timeout=20,
            check=False,
            **switch(account),
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def for_database() -> Account | None:
    """The account to run PostgreSQL as; None means: as the person who started this."""
    if os.geteuid() != 0:
        return None
    account = find()
    if not account.can_run(["/bin/sh", "-c", ":"]):
        raise Problem(
            f"Started as root without the right to become {account.name}, and PostgreSQL refuses to run as root: "
            "start it as an ordinary user, or set DATABASE_URL."
        )
    return account


def find() -> Account:
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise Problem("PostgreSQL refuses to run as root, and there is no account named postgres or nobody to run it as.")
