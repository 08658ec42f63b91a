"""Where files live, also when the database's account cannot reach the checkout."""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from trialsite.stack.account import Account, succeeds
from trialsite.stack.problems import Problem

# A Unix socket address holds about 104 bytes, and the socket's own name takes some of them.
SOCKET_PATH_LIMIT = 90
PERSISTENT = Path("/var/tmp")  # noqa: S108  # nosec B108


def private_directory(path: Path, account: Account | None = None) -> Path:
    """`path` as a directory that only its owner can open."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account:
        account.own(path)
    path.chmod(0o700)
    return path


def reachable(path: Path, account: Account | None) -> bool:
    """Whether `account` can enter the directory `path`."""
    return account is None or succeeds(["/bin/sh", "-c", 'cd "$1"', "sh", path], account)


def outside(closed: Path) -> Path:
    """A lasting stand-in for a directory that is closed to others; one can pass through it but not list it."""
    path = PERSISTENT / f"trialsite-{hashlib.sha256(str(closed).encode()).hexdigest()[:12]}"
    path.mkdir(mode=0o711, exist_ok=True)
    state = path.lstat()
    if path.is_symlink() or state.st_uid != os.geteuid():
        raise Problem(f"{path} belongs to somebody else: remove it, or set DATABASE_URL.")
    path.chmod(0o711)
    return path


def home(wanted: Path, account: Account | None) -> Path:
    """`wanted` where the account can reach it, else its stand-in."""
    return wanted if reachable(wanted, account) else outside(wanted)


def copy_tree(source: Path, target: Path) -> Path:
    """A complete copy of `source`, made once; a half-made one is never taken for whole."""
    if not target.exists():
        unfinished = Path(tempfile.mkdtemp(dir=target.parent))
        shutil.copytree(source, unfinished / "copy", symlinks=True)
        (unfinished / "copy").rename(target)
        unfinished.rmdir()
    return target


def socket_directory(wanted: Path, account: Account | None) -> Path:
    """A directory short enough for a socket address, owned by the account."""
    if len(os.fsencode(wanted)) <= SOCKET_PATH_LIMIT:
        return private_directory(wanted, account)
    short = Path(tempfile.gettempdir()) / f"ts-{hashlib.sha256(str(wanted).encode()).hexdigest()[:12]}"
    if short.exists() and short.lstat().st_uid not in {os.geteuid(), account.uid if account else -1}:
        raise Problem(f"{short} belongs to somebody else: remove it, or set DATABASE_URL.")
    return private_directory(short, account)
