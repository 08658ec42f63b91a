"""What production refuses, one sentence each; and that a development checkout needs nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
KEY = "k3Jq9vXz7TnB2mLw8RfYp4HsDg6CaUeW1oZiQxNbVtMyKrPjSlFhGd5E"
PASSWORD = "tX9mQ2vLk7Rz4WnB8sHd"
PRODUCTION = {
    "TRIALSITE_PROFILE": "production",
    "SECRET_KEY": KEY,
    "ALLOWED_HOSTS": "trial.example.org",
    "PUBLIC_URL": "https://trial.example.org",
    "DATABASE_URL": f"postgresql://edc_app:{PASSWORD}@database:5432/trialsite",
    "REDIS_URL": f"redis://:{PASSWORD}@broker:6379/0",
    "DEFAULT_FROM_EMAIL": "trial@example.org",
    "EMAIL_HOST": "mail.example.org",
}
NOTHING = ""

# variable, value (empty: not set), how the sentence begins
REFUSED = [
    ("TRIALSITE_PROFILE", "live", "TRIALSITE_PROFILE is 'live': set it to"),
    ("SECRET_KEY", NOTHING, "SECRET_KEY is not set: "),
    ("SECRET_KEY", KEY[:49], "SECRET_KEY is shorter than 50 characters: "),
    ("SECRET_KEY", "ab" * 30, "SECRET_KEY is not random "),
    ("SECRET_KEY", f"django-insecure-{KEY}", "SECRET_KEY is not random or comes from an example: "),
    ("SECRET_KEY", f"changeme{KEY}", "SECRET_KEY is not random or comes from an example: "),
    ("DEBUG", "on", "DEBUG is on: "),
    ("DEBUG", "maybe", "DEBUG is 'maybe': "),
    ("ALLOWED_HOSTS", NOTHING, "ALLOWED_HOSTS is not set: "),
    ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS contains the wildcard '*': "),
    ("ALLOWED_HOSTS", "trial.example.org,.example.org", "ALLOWED_HOSTS contains the wildcard '.example.org': "),
    ("PUBLIC_URL", NOTHING, "PUBLIC_URL is not set: "),
    ("PUBLIC_URL", "http://trial.example.org", "PUBLIC_URL has to begin with https://"),
    ("DATABASE_URL", NOTHING, "DATABASE_URL is not set: "),
    ("DATABASE_URL", "postgresql://edc_app:short@database/trialsite", "DATABASE_URL has no password of at least 16"),
    ("DATABASE_URL", f"postgresql://edc_owner:{PASSWORD}@database/trialsite", "DATABASE_URL signs in as edc_owner: "),
    ("DATABASE_URL", f"postgresql://edc_app:{PASSWORD}@database", "DATABASE_URL names no database: "),
    ("DATABASE_URL", "mysql://somewhere", "DATABASE_URL cannot be read: "),
    ("REDIS_URL", NOTHING, "REDIS_URL is not set: "),
    ("REDIS_URL", "redis://broker:6379/0", "REDIS_URL has no password of at least 16 characters: "),
    ("DEFAULT_FROM_EMAIL", NOTHING, "DEFAULT_FROM_EMAIL is not set: "),
    ("EMAIL_HOST", NOTHING, "EMAIL_HOST is not set: "),
    ("EMAIL_PORT", "smtp", "EMAIL_PORT is 'smtp': "),
    ("CLOCK_FILE", "/tmp/clock", "CLOCK_FILE is set: "),
]


def settings(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Read the settings in a process of their own, which sees this environment and nothing else."""
    return run([sys.executable, "-c", "from trialsite import settings"], environment)


def run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    bare = {name: os.environ[name] for name in ("PATH", "HOME", "COVERAGE_PROCESS_START") if name in os.environ}
    return subprocess.run(command, cwd=CHECKOUT, env={**bare, **environment}, capture_output=True, text=True)


def test_production_starts_on_real_values() -> None:
    done = settings(PRODUCTION)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(("name", "value", "sentence"), REFUSED)
def test_production_refuses(name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Read in this process: a new one for each row would only test the same code more slowly.
    changed = {**PRODUCTION, name: value}
    refusal = refusal_of(changed)
    assert refusal.startswith(sentence)
    assert refusal.endswith(".")
    assert "\n" not in refusal


def refusal_of(values: dict[str, str]) -> str:
    """The sentence that the settings file refuses `values` with; empty if it does not."""
    source = (CHECKOUT / "trialsite" / "settings.py").read_text()
    code = compile(source, "settings.py", "exec")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            patch.delenv(name)
        for name, value in values.items():
            patch.setenv(name, value)
        with pytest.raises(Exception, match=r".") as caught:
            exec(code, {"__file__": str(CHECKOUT / "trialsite" / "settings.py")})  # the file as it is
    assert type(caught.value).__name__ == "Refusal", caught.value
    return str(caught.value)


def test_a_command_prints_the_sentence_alone() -> None:
    done = run([sys.executable, "manage.py", "check"], {**PRODUCTION, "SECRET_KEY": ""})
    assert done.returncode == 1
    assert done.stderr == "SECRET_KEY is not set: give at least 50 random characters.\n"


def test_the_web_server_refuses_once_and_ends() -> None:
    command = [sys.executable, "-m", "gunicorn", "trialsite.wsgi", "--config", "python:trialsite.web_server"]
    done = run(command, {**PRODUCTION, "REDIS_URL": ""})
    assert done.returncode != 0
    assert "REDIS_URL is not set: give the broker's address with its password." in done.stderr
    assert "Traceback" not in done.stderr


def test_the_tools_of_the_protocol_need_nothing() -> None:
    done = run([sys.executable, "manage.py", "replay", "tests/protocol/cases/more_cases.json", "--check"], {})
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"[1-9]\d* passed, 0 failed", done.stdout.splitlines()[-1])


def test_a_command_without_a_database_says_how_to_get_one(tmp_path: Path) -> None:
    code = "from pathlib import Path; from trialsite import environ; environ.running_demonstration = lambda path: {};"
    code += "import sys; sys.argv = ['manage.py', 'showmigrations']; import manage; raise SystemExit(manage.main())"
    done = run([sys.executable, "-W", "ignore", "-c", code], {})
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last == "There is no database here: start ./bin/demo in another terminal, or set DATABASE_URL."
