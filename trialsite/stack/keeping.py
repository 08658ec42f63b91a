"""The passwords of one demonstration, made up at its first start and kept for the next."""

import json
import os
import secrets
from pathlib import Path

from trialsite.stack.postgres import Passwords

NAMES = ("superuser", "owner", "app", "readonly", "broker", "key")


def keep(path: Path) -> dict[str, str]:
    """The secrets stored at `path`, made up if there are none; nobody else can read the file."""
    if not path.exists():
        write_privately(path, json.dumps({name: secrets.token_urlsafe(48) for name in NAMES}, indent=1))
    return dict(json.loads(path.read_text()))


def write_privately(path: Path, text: str) -> None:
    """Replace `path` by a file that only its owner can read, never seen half written."""
    unfinished = path.with_name(path.name + ".new")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def passwords(kept: dict[str, str]) -> Passwords:
    return Passwords(kept["superuser"], kept["owner"], kept["app"], kept["readonly"])
