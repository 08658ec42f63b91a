"""The situations a demonstration can get into, each played with real processes on data of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import psycopg
import pytest

from tests.fixtures.processes import wait_until
from trialsite import environ
from trialsite.stack import broker, children, postgres
from trialsite.stack.broker import free_port
from trialsite.stack.demonstration import Demonstration
from trialsite.stack.servers import TestServers

CHECKOUT = Path(__file__).resolve().parents[2]


def parents() -> dict[int, int]:
    """Process id to parent's id, for every process that is not already dead."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state != "Z":
            found[int(stat.parent.name)] = int(parent)
    return found


def below(ancestor: int) -> set[int]:
    """Everything that `ancestor` started, directly or not."""
    tree = parents()
    found = {ancestor}
    while more := {child for child, parent in tree.items() if parent in found} - found:
        found |= more
    return found - {ancestor}


@dataclass
class Demo:
    """One run of the supervisor."""

    process: subprocess.Popen[str]
    output: Path
    port: int

    def said(self) -> str:
        return self.output.read_text()

    def wait_ready(self) -> "Demo":
        wait_until(lambda: "Ready after" in self.said() or self.process.poll() is not None, "the site to be ready", 60)
        assert self.process.poll() is None, self.said()
        return self

    def child(self, *words: str) -> int:
        """The process started by the supervisor itself whose command line has all the words."""
        for pid, parent in parents().items():
            line = Path(f"/proc/{pid}/cmdline").read_text().split("\0") if parent == self.process.pid else []
            if all(word in line for word in words) and line:
                return pid
        raise AssertionError(f"no process with {words}")

    def end(self, signum: int) -> int:
        """Send a signal to the supervisor; its status."""
        self.process.send_signal(signum)
        return self.process.wait(60)


class Home:
    """A directory of data, and the demonstrations that are started on it."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="trialsite-demo-"))
        self.path.chmod(0o711)
        self.started: list[Demo] = []

    def start(self, *arguments: str, port: int = 0, **environment: str) -> Demo:
        port = port or free_port()
        output = self.path / f"terminal-{len(self.started)}.txt"
        given = {name: value for name, value in os.environ.items() if name not in OWN_SERVERS}
        with output.open("w") as terminal:
            where = ["--home", str(self.path), "--port", str(port)]
            process = subprocess.Popen(
                [sys.executable, "-m", "trialsite.stack", "--empty", *where, *arguments],
                cwd=CHECKOUT,
                env={**given, **environment},
                stdout=terminal,
                stderr=subprocess.STDOUT,
                text=True,
            )
        demo = Demo(process, output, port)
        self.started.append(demo)
        return demo

    def clear(self) -> None:
        for demo in self.started:
            if demo.process.poll() is None:
                demo.end(signal.SIGTERM)
        shutil.rmtree(self.path, ignore_errors=True)


OWN_SERVERS = {"DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_READONLY_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE"}


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    place = Home()
    yield place
    place.clear()


def test_runs_is_found_and_stops_in_order(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = home.start().wait_ready()
    started = below(demo.process.pid)
    with urllib.request.urlopen(f"http://localhost:{demo.port}/healthz") as answer:
        assert answer.status == 200

    # A second shell finds it by its state file, which is as private as the secrets.
    lent = environ.running_demonstration(home.path)
    assert lent["DATABASE_URL"].startswith("postgresql://edc_app:")
    assert [oct((home.path / name).stat().st_mode)[-3:] for name in ("state.json", "secrets.json")] == ["600", "600"]

    # A second start on the same data is refused and leaves the first alone.
    second = home.start()
    assert second.process.wait(20) == 2
    assert second.said() == f"The demonstration in {home.path} is running already: stop it first.\n"
    assert environ.running_demonstration(home.path) == lent

    # No password is in a process list.
    secrets = (lent["DATABASE_URL"].split(":")[2].split("@")[0], lent["REDIS_URL"].split(":")[2].split("@")[0])
    lines = "".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in started)
    assert not [secret for secret in secrets if secret in lines]

    owns(home, "create table kept (words text); insert into kept values ('written before')")
    assert demo.end(signal.SIGINT) == 0, demo.said()
    wait_until(lambda: not started & parents().keys(), "every process to be gone")
    assert environ.running_demonstration(home.path) == {}


def owns(home: Home, *statements: str) -> list[tuple[str]]:
    """What the owner of the database that runs in `home` gets for the last statement."""
    address = json.loads((home.path / "state.json").read_text())["environment"]["DATABASE_OWNER_URL"]
    with psycopg.connect(address) as owner:
        cursor = [owner.execute(statement) for statement in statements][-1]
        return cursor.fetchall() if cursor.description else []


def has_what_was_written(home: Home) -> bool:
    return owns(home, "select words from kept") == [("written before",)]


@dataclass
class Watch:
    """A clock that only waiting moves, and what happened on it."""

    seconds: float = 0.0
    happened: list[str] = field(default_factory=list)

    def monotonic(self) -> float:
        return self.seconds


@dataclass
class Played:
    """A process that obeys its stop signal after a while, or never."""

    name: str
    watch: Watch
    obeys_after: float
    pid: int = 0
    asked_at: float | None = None
    returncode: int | None = None

    def poll(self) -> int | None:
        if self.asked_at is not None and self.watch.seconds >= self.asked_at + self.obeys_after:
            self.leave(0)
        return self.returncode

    def leave(self, status: int) -> int:
        if self.returncode is None:
            self.watch.happened.append(f"{self.name} gone")
            self.returncode = status
        return self.returncode

    def send_signal(self, signum: int) -> None:
        self.watch.happened.append(f"{self.name} asked by {signal.Signals(signum).name}")
        self.asked_at = self.watch.seconds

    def wait(self, timeout: float | None = None) -> int:
        if timeout is None:  # it was killed
            return self.leave(-signal.SIGKILL)
        self.watch.seconds += min(timeout, self.obeys_after)
        if self.poll() is None:
            raise subprocess.TimeoutExpired(self.name, timeout)
        return 0


ORDER = ["beat", "worker", "web", broker.NAME, postgres.NAME]


def played(tmp_path: Path, watch: Watch, obeys_after: float) -> Demonstration:
    """A demonstration of five played processes, in the order in which `begin` starts them."""
    made = {
        name: children.Child(
            name,
            cast("subprocess.Popen[bytes]", Played(name, watch, obeys_after)),
            signal.SIGINT if name == postgres.NAME else signal.SIGTERM,
        )
        for name in reversed(ORDER)
    }
    servers, programs = list(made.values())[:2], list(made.values())[2:]
    return Demonstration(8000, tmp_path, servers, programs)


@pytest.mark.parametrize("obeys_after", [0.1, 1000.0], ids=["obedient", "stubborn"])
def test_all_are_stopped_in_order_within_five_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, obeys_after: float
) -> None:
    """However slow each of them is: whoever does not obey in its share of the 5 s is killed."""
    watch = Watch()
    monkeypatch.setattr("trialsite.stack.children.monotonic", watch.monotonic)
    monkeypatch.setattr(children.Child, "sweep", lambda child: None)
    played(tmp_path, watch, obeys_after).end()
    assert watch.happened == [
        *(f"{name} asked by SIGTERM" for name in ORDER[:3]),
        *(f"{name} gone" for name in ORDER[:3]),
        f"{broker.NAME} asked by SIGTERM",
        f"{broker.NAME} gone",
        f"{postgres.NAME} asked by SIGINT",
        f"{postgres.NAME} gone",
    ]
    assert watch.seconds <= 5


def test_data_survives_and_a_lost_database_ends_the_rest(home: Home) -> None:
    secrets = (home.path / "secrets.json").read_text()
    demo = home.start().wait_ready()
    assert (home.path / "secrets.json").read_text() == secrets
    assert has_what_was_written(home)
    started = below(demo.process.pid)
    os.kill(demo.child("-D"), signal.SIGKILL)
    assert demo.process.wait(20) == 1
    assert "Stopping: PostgreSQL was killed by SIGKILL" in demo.said()
    assert started & parents().keys() == set()


def test_a_killed_database_recovers_and_nothing_outlives_a_killed_supervisor(home: Home) -> None:
    demo = home.start().wait_ready()
    assert has_what_was_written(home)
    started = below(demo.process.pid)
    assert len(started) > 8
    demo.end(signal.SIGKILL)
    wait_until(lambda: not started & parents().keys(), "every process to end", 5)
    # Its state file is still there and is not believed: nobody holds the lock.
    assert (home.path / "state.json").exists()
    assert environ.running_demonstration(home.path) == {}


def test_a_taken_port_is_one_sentence() -> None:
    place = Home()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        demo = place.start(port=port)
        assert demo.process.wait(20) == 2
    assert demo.said() == f"Port {port} cannot be used (Address already in use): choose another with --port.\n"
    assert sorted(path.name for path in place.path.iterdir()) == ["lock", "terminal-0.txt"]
    place.clear()


def test_a_given_database_needs_its_owner() -> None:
    place = Home()
    demo = place.start(DATABASE_URL="postgresql://edc_app:x@/trialsite?host=/nowhere")
    assert demo.process.wait(20) == 1
    assert demo.said() == "DATABASE_URL is set without DATABASE_OWNER_URL: give the same database as edc_owner.\n"
    place.clear()


def test_given_servers_are_used_and_nothing_is_embedded(servers: TestServers) -> None:
    """The trial of a PostgreSQL and a broker that run already: none is started beside them, none is stopped."""
    servers.cluster.bootstrap("given")
    place = Home()
    demo = place.start(**servers.environment("given")).wait_ready()
    with urllib.request.urlopen(f"http://localhost:{demo.port}/healthz") as answer:
        assert answer.status == 200
    lines = [Path(f"/proc/{pid}/cmdline").read_text().lower() for pid in below(demo.process.pid)]
    assert any("celery" in line for line in lines)
    assert not [line for line in lines if "postgres" in line.split("\0")[0] or "valkey" in line]
    os.kill(demo.child("gunicorn"), signal.SIGKILL)
    assert demo.process.wait(20) == 1
    assert "Stopping: web was killed by SIGKILL" in demo.said()
    assert int(servers.cluster.sql("select count(*) from django_migrations", "given")) > 0
    place.clear()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can lack the right to become somebody else")
def test_root_without_privileges_is_told_so() -> None:
    place = Home()
    code = (
        "import os; from trialsite.stack import account;"
        "account.Account.can_run = lambda self, command: False;"
        "from trialsite.stack.__main__ import main; raise SystemExit(main())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "--home", str(place.path), "--port", str(free_port())],
        cwd=CHECKOUT,
        env={name: value for name, value in os.environ.items() if name not in OWN_SERVERS},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Started as root without the right to become ")
    assert done.stderr.count("\n") == 1
    place.clear()


@pytest.mark.parametrize("port", ["0", "65536", "-1", "eight", "²"])
def test_what_is_no_port_is_refused(port: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "trialsite.stack", f"--port={port}"], cwd=CHECKOUT, capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"{port} is not a port: give a number from 1 to 65535")
