"""Every check of the project, each timed, and the tests last; called by bin/test with arguments for pytest."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
TOOLS = Path(sys.executable).parent
#: One process of tests per core, each with servers of its own; more than four would wait for the one that has the most.
SIDE_BY_SIDE = ("--numprocesses", "auto", "--maxprocesses", "4")
SHELL_SCRIPTS = ("bin/demo", "bin/test", "bin/lock", "bin/environment", ".ci/run", "trialsite/sql/create-roles.sh")


def production() -> dict[str, str]:
    """Settings that a production site could have."""
    password = secrets.token_urlsafe(24)
    return {
        "TRIALSITE_PROFILE": "production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "trial.example.org",
        "PUBLIC_URL": "https://trial.example.org",
        "DATABASE_URL": f"postgresql://edc_app:{password}@database:5432/trialsite",
        "REDIS_URL": f"redis://:{password}@broker:6379/0",
        "DEFAULT_FROM_EMAIL": "trial@example.org",
        "EMAIL_HOST": "mail.example.org",
    }


@dataclass(frozen=True)
class Step:
    """One check: a tool of the environment with its arguments."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self) -> tuple[bool, str]:
        """Whether it passes, and what to print: its time, and its words if it fails."""
        began = time.monotonic()
        done = subprocess.run(  # noqa: S603
            [str(TOOLS / self.command[0]), *self.command[1:]],
            cwd=CHECKOUT,
            env={**os.environ, **self.environment, "PATH": f"{TOOLS}:{os.environ['PATH']}"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        verdict = "FAILED" if done.returncode else "ok"
        told = f"{self.name:<42} {verdict:>6} {time.monotonic() - began:6.1f} s"
        return done.returncode == 0, f"{told}\n{done.stdout}" if done.returncode else told


def steps() -> list[Step]:
    manage = ["python", "manage.py"]
    templates = [str(path) for path in sorted((CHECKOUT / "templates").rglob("*.html"))]
    return [
        Step("lint (ruff)", ["ruff", "check", "."]),
        Step("format (ruff)", ["ruff", "format", "--check", "."]),
        Step("templates (djade)", ["djade", "--check", "--target-version", "5.2", *templates]),
        Step("types (mypy)", ["mypy", "."]),
        Step("layers (import-linter)", ["lint-imports", "--no-cache"]),
        Step("security (bandit)", ["bandit", "--quiet", "--configfile", "pyproject.toml", "--recursive", "."]),
        Step("production settings", [*manage, "check", "--deploy", "--fail-level", "WARNING"], production()),
        Step("missing migrations", [*manage, "makemigrations", "--check", "--dry-run"]),
        Step("generated documents", [*manage, "generate_docs", "--check"]),
        Step("compose file", ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml"]),
        Step("Dockerfile (hadolint)", ["hadolint", "Dockerfile"]),
        Step("shell scripts (shellcheck)", ["shellcheck", "--external-sources", *SHELL_SCRIPTS]),
    ]


def failures(checks: Sequence[Step]) -> list[str]:
    """Run the checks, one per core at a time, and print them in their order; the names of those that fail."""
    failed = []
    with ThreadPoolExecutor(os.cpu_count()) as side_by_side:
        for step, (passes, told) in zip(checks, side_by_side.map(Step.run, checks), strict=True):
            print(told, flush=True)
            failed += [] if passes else [step.name]
    return failed


def main(arguments: Sequence[str]) -> int:
    failed = failures(steps())
    if failed:
        print(f"\nFailed before the tests: {', '.join(failed)}\n", flush=True)
    # The last line is pytest's own.
    command = [sys.executable, "-m", "pytest", *SIDE_BY_SIDE, *arguments]
    tests = subprocess.run(command, cwd=CHECKOUT, check=False).returncode  # noqa: S603
    return tests or bool(failed)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
