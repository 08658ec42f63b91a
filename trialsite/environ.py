"""Reads the environment: typed, and refusing in one sentence what is missing or unsafe.

Two profiles. `development` (the default) serves this machine only, makes up what it needs, and finds
a running demonstration by its state file. `production` starts on real values alone.
"""

import fcntl
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

PROFILES = ("development", "production")
TRUE = frozenset({"1", "true", "yes", "on"})
FALSE = frozenset({"0", "false", "no", "off", ""})
SECRET_KEY_LENGTH = 50
PASSWORD_LENGTH = 16
# Words that stand in examples, and never in a secret that somebody generated.
KNOWN_SECRETS = ("insecure", "changeme", "change-me", "secret", "example", "password", "default")
OWNING_ROLES = frozenset({"edc_owner", "edc_audit", "postgres"})


class Refusal(ImproperlyConfigured):
    """The process does not start; the message is one sentence that says what to set."""


@dataclass(frozen=True)
class Environ:
    """The variables a process was started with, and the profile they ask for."""

    values: Mapping[str, str]

    @property
    def production(self) -> bool:
        profile = self.values.get("TRIALSITE_PROFILE", "development")
        if profile not in PROFILES:
            raise Refusal(f"TRIALSITE_PROFILE is {profile!r}: set it to development or production.")
        return profile == "production"

    def text(self, name: str, default: str) -> str:
        """The value of `name`; an empty one counts as not set."""
        return self.values.get(name, "") or default

    def required(self, name: str, purpose: str, default: str) -> str:
        """The value of `name`; in production it has to be set, elsewhere `default` stands in."""
        value = self.text(name, "" if self.production else default)
        if self.production and not value:
            raise Refusal(f"{name} is not set: give {purpose}.")
        return value

    def number(self, name: str, default: int) -> int:
        value = self.text(name, str(default))
        if not value.isdecimal():
            raise Refusal(f"{name} is {value!r}: give a whole number.")
        return int(value)

    def switch(self, name: str, default: str) -> bool:
        """True or False; `default` is "on" or "off"."""
        value = self.text(name, default).lower()
        if value not in TRUE | FALSE:
            raise Refusal(f"{name} is {value!r}: set it to on or off.")
        return value in TRUE

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of `choices`; the first stands where nothing is set."""
        value = self.text(name, choices[0]).lower()
        if value not in choices:
            raise Refusal(f"{name} is {value!r}: set it to {' or '.join(choices)}.")
        return value

    def names(self, name: str, default: str) -> list[str]:
        """A comma-separated list, blanks dropped."""
        return [part.strip() for part in self.text(name, default).split(",") if part.strip()]

    def secret_key(self) -> str:
        """The signing key; outside production one is made up for the life of the process."""
        key = self.required(
            "SECRET_KEY",
            f"at least {SECRET_KEY_LENGTH} random characters",
            secrets.token_urlsafe(SECRET_KEY_LENGTH),
        )
        if self.production:
            refuse_weak_key(key)
        return key

    def debug(self) -> bool:
        if self.switch("DEBUG", "off") and self.production:
            raise Refusal("DEBUG is on: a production site shows its inside to nobody, set it to off.")
        return self.switch("DEBUG", "off")

    def hosts(self) -> list[str]:
        """The host names that the site answers to."""
        self.required("ALLOWED_HOSTS", "the site's host names, separated by commas", "local")
        hosts = self.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
        wild = [host for host in hosts if "*" in host or host.startswith(".")]
        if wild and self.production:
            raise Refusal(f"ALLOWED_HOSTS contains the wildcard {wild[0]!r}: name each host in full.")
        return hosts

    def public_url(self) -> str:
        """The address that mails and links are written with, without a slash at its end."""
        url = self.required("PUBLIC_URL", "the address people open, as in https://trial.example.org", LOCAL_URL)
        if self.production and urlsplit(url).scheme != "https":
            raise Refusal("PUBLIC_URL has to begin with https:// because clinical data never travels in clear.")
        return url.rstrip("/")

    def clock_file(self) -> str:
        """Path of the file that moves the clock; empty means real time."""
        path = self.text("CLOCK_FILE", "")
        if path and self.production:
            raise Refusal("CLOCK_FILE is set: a production site runs on real time, remove it.")
        return path

    def databases(self) -> dict[str, dict[str, Any]]:
        """Django's DATABASES: `default` for the application, `owner` where migrations may run."""
        url = self.required("DATABASE_URL", "the database as role edc_app", "")
        if not url:
            return {"default": {"ENGINE": "django.db.backends.dummy"}}
        databases = {"default": database(url, "DATABASE_URL")}
        if self.production:
            refuse_unsafe_database(databases["default"])
        if owner_url := self.text("DATABASE_OWNER_URL", ""):
            databases["owner"] = database(owner_url, "DATABASE_OWNER_URL")
        return databases

    def broker(self) -> str:
        """Address of the Redis-compatible broker."""
        url = self.required("REDIS_URL", "the broker's address with its password", "redis://127.0.0.1:6379/0")
        if self.production and len(urlsplit(url).password or "") < PASSWORD_LENGTH:
            raise Refusal(
                f"REDIS_URL has no password of at least {PASSWORD_LENGTH} characters: protect the broker with one."
            )
        return url


LOCAL_URL = "http://localhost:8000"


def refuse_weak_key(key: str) -> None:
    """Refuse a signing key that is short, monotonous or taken from an example."""
    if len(key) < SECRET_KEY_LENGTH:
        raise Refusal(f"SECRET_KEY is shorter than {SECRET_KEY_LENGTH} characters: generate a longer one.")
    if len(set(key)) < 10 or any(word in key.lower() for word in KNOWN_SECRETS):
        raise Refusal("SECRET_KEY is not random or comes from an example: generate one of your own.")


def refuse_unsafe_database(settings: Mapping[str, Any]) -> None:
    """Refuse an application that would own its tables, or sign in without a password worth the name."""
    if settings["USER"] in OWNING_ROLES:
        raise Refusal(f"DATABASE_URL signs in as {settings['USER']}: the application runs as edc_app.")
    if len(settings["PASSWORD"]) < PASSWORD_LENGTH:
        raise Refusal(f"DATABASE_URL has no password of at least {PASSWORD_LENGTH} characters: give the role one.")


def database(url: str, name: str) -> dict[str, Any]:
    """One entry of DATABASES from a PostgreSQL address; `name` is the variable it came from."""
    try:
        parts = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        raise Refusal(f"{name} cannot be read: write postgresql://role:password@host:5432/name.") from None
    if not parts.get("dbname"):
        raise Refusal(f"{name} names no database: write postgresql://role:password@host:5432/name.")
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname"),
        "USER": parts.pop("user", ""),
        "PASSWORD": parts.pop("password", ""),
        "HOST": parts.pop("host", ""),
        "PORT": str(parts.pop("port", "")),
        # No connection pool: a worker closes it at each task, and a page of this site is one connection.
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, **parts},
    }


def read(base: Path) -> Environ:
    """The process environment; where it names no database, a demonstration running in `base` lends its own."""
    lent = {} if os.environ.get("DATABASE_URL") else running_demonstration(base / ".demo")
    return Environ({**lent, **os.environ})


def running_demonstration(directory: Path) -> dict[str, str]:
    """What the supervisor of a running demonstration gave to its processes; empty if none is running.

    The supervisor holds a lock as long as it lives, so a state file left behind by a crash is not believed.
    """
    try:
        with (directory / "lock").open() as lock, (directory / "state.json").open() as state:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return dict(json.load(state)["environment"])
    except (OSError, ValueError, KeyError):
        pass
    return {}
