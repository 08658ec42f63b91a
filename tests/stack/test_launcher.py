"""The launcher's parts one by one, without a demonstration: what is kept, what is refused, who ends whom."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.fixtures.databases import Database
from tests.fixtures.processes import wait_until
from trialsite.management.commands import prepare
from trialsite.stack import broker, children, places, postgres
from trialsite.stack.demonstration import KEPT, Demonstration
from trialsite.stack.gate import GATE
from trialsite.stack.postgres import Binaries, Cluster, Passwords
from trialsite.stack.problems import Problem

CHECKOUT = Path(__file__).resolve().parents[2]
NAMES = (postgres.NAME, broker.NAME, "web", "worker", "beat")
SLEEP = [sys.executable, "-S", "-c", "import time; time.sleep(60)"]
EMBEDDED = ("postgres/PG_VERSION", "postgres.new/PG_VERSION", "socket/s", "broker/b", "logs/l", "static/s")


def cluster(home: Path) -> Cluster:
    return Cluster(home, Binaries(Path("/nowhere"), "a test", 18), None, Passwords("s", "o", "a", "r"))


def running(names: tuple[str, ...]) -> list[children.Child]:
    return [children.start(name, SLEEP, environment={}, log=Path(os.devnull)) for name in names]


def is_gone(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("lost", NAMES)
def test_whichever_process_is_killed_ends_the_rest_with_the_cause(tmp_path: Path, lost: str) -> None:
    demonstration = Demonstration(8000, tmp_path, running(NAMES[:2]), running(NAMES[2:]))
    started = [*demonstration.servers, *demonstration.programs]
    try:
        os.kill(started[NAMES.index(lost)].process.pid, signal.SIGKILL)
        with pytest.raises(Problem) as told:
            demonstration.watch()
    finally:
        demonstration.end()
    assert str(told.value) == f"Stopping: {lost} was killed by SIGKILL (its words are in {tmp_path / 'logs'})."
    assert told.value.status == 1
    assert all(child.ended() for child in started)


@pytest.mark.parametrize("preparation", [SLEEP, [sys.executable, "-S", "-c", "raise SystemExit(1)"]])
def test_a_server_lost_during_the_preparation_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preparation: list[str]
) -> None:
    """Whether the preparation still waits for it or has failed of it already."""
    demonstration = Demonstration(8000, tmp_path, running(NAMES[:2]))
    start = children.start

    def played(name: str, command: list[str], **given: object) -> children.Child:
        child = start(name, preparation, environment={}, log=None)
        if preparation is not SLEEP:
            child.process.wait()
        return child

    monkeypatch.setattr(children, "start", played)
    demonstration.servers[0].kill()
    with pytest.raises(Problem, match=f"^Stopping: {postgres.NAME} was killed by SIGKILL"):
        demonstration.prepare({}, [])
    demonstration.end()
    assert all(child.ended() for child in [*demonstration.servers, *demonstration.programs])


def test_the_port_opens_when_the_data_is_there(tmp_path: Path) -> None:
    """Gunicorn's own server with our configuration: its program read, it waits at the gate."""
    gate, opened = tmp_path / "gate", tmp_path / "port"
    program = f"--config=python:trialsite.stack.gate --preload --bind=unix:{opened} wsgiref.simple_server:demo_app"
    command = [sys.executable, "-m", "gunicorn", "--log-level=debug", *program.split()]
    environment = {**os.environ, GATE: str(gate)}
    web = children.start("web", command, environment=environment, log=tmp_path / "log", directory=CHECKOUT)
    try:
        wait_until(lambda: "Starting gunicorn" in (tmp_path / "log").read_text(), "the program to be read")
        with pytest.raises(pytest.fail.Exception):
            wait_until(opened.exists, "an open port", seconds=1)
        gate.touch()
        wait_until(opened.exists, "an open port")
    finally:
        web.stop()


def test_a_forked_half_of_the_load_dies_with_its_killed_parent(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    code = (
        "import os, sys, time, pathlib; from trialsite.stack.children import fork\n"
        "def work(path): pathlib.Path(path).write_text(str(os.getpid())); time.sleep(60)\n"
        "fork(work, sys.argv[1]).join()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code, str(told)], cwd=CHECKOUT)
    wait_until(lambda: told.exists() and told.read_text() != "", "the fork to work")
    forked = int(told.read_text())
    assert not is_gone(forked)
    parent.kill()
    parent.wait()
    wait_until(lambda: is_gone(forked), "the fork to end", 5)


def kept(home: Path) -> set[str]:
    return {str(path.relative_to(home)) for path in home.rglob("*") if path.is_file()}


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A home in which a demonstration ran, and in which the lock is held."""
    for name in (*EMBEDDED, "mail/m", "clock", "beat", "accounts.txt", "secrets.json", "state.json", "lock"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("18")
    return tmp_path


def test_forgetting_leaves_the_lock_and_what_the_preparation_has_to_agree_to(
    full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setattr("trialsite.stack.demonstration.for_database", lambda: None)
    Demonstration(8000, full).forget()
    assert kept(full) == {"lock", "mail/m", "clock", "beat", "accounts.txt"}


def test_forgetting_beside_a_given_database_keeps_the_embedded_one_and_its_passwords(
    full: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = kept(full)
    monkeypatch.setenv("DATABASE_URL", "postgresql://edc_app:x@/trialsite?host=/nowhere")
    Demonstration(8000, full).forget()
    assert kept(full) == before


def test_a_reset_asks_the_preparation_to_forget(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    start = children.start

    def heard(name: str, command: list[str], **given: object) -> children.Child:
        asked.append(command)
        return start(name, [sys.executable, "-S", "-c", ""], environment={}, log=None)

    monkeypatch.setattr(children, "start", heard)
    Demonstration(8000, full).prepare({}, ["--reset"])
    Demonstration(8000, full).prepare({}, [])
    assert asked[0][-5:] == ["--forget", *(str(full / name) for name in KEPT)]
    assert "--forget" not in asked[1]


def test_nothing_is_forgotten_before_the_database_may_be_emptied(full: Path, bare_db: Database) -> None:
    before = kept(full)
    beside = [full / name for name in (*KEPT, "never there")]
    with bare_db.as_owner() as owner:
        owner.execute("create table mine (number int)")
    with pytest.raises(CommandError, match="it is not emptied, name another"):
        call_command("prepare", reset=True, forget=beside, stdout=StringIO())
    assert kept(full) == before
    prepare.label(prepare.LOADED)
    call_command("prepare", reset=True, forget=beside, stdout=StringIO())
    assert before - kept(full) == {"mail/m", "clock", "beat", "accounts.txt"}


def test_an_interrupted_cluster_is_never_taken_for_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = cluster(tmp_path)
    interrupted = [KeyboardInterrupt]

    def initdb(self: Cluster, command: list[str | Path], text: str = "", password: str = "") -> str:
        directory = Path(command[command.index("-D") + 1])
        (directory / "PG_VERSION").write_text("18")
        if interrupted:
            raise interrupted.pop()
        (directory / "whole").touch()
        return ""

    monkeypatch.setattr(Cluster, "run", initdb)
    with pytest.raises(KeyboardInterrupt):
        made.initialise()
    assert not made.data.exists(), "the next start begins anew"
    made.initialise()
    assert sorted(path.name for path in made.data.iterdir()) == ["PG_VERSION", "whole"]
    assert not made.data.with_name(postgres.UNFINISHED).exists()
    assert made.data.stat().st_mode & 0o777 == 0o700


def test_data_of_another_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    made = cluster(tmp_path)
    made.data.mkdir()
    (made.data / "PG_VERSION").write_text("17\n")
    with pytest.raises(Problem) as told:
        made.start(tmp_path / "log")
    assert str(told.value) == (
        f"The data in {made.data} was made by PostgreSQL 17 and this is 18: "
        "start again with --reset, or bring the old version back."
    )
    assert (made.data / "PG_VERSION").read_text() == "17\n"


def test_a_long_path_gets_a_short_private_place_for_the_socket(tmp_path: Path) -> None:
    wanted = tmp_path / ("a long name " * 15)
    short = places.socket_directory(wanted, None)
    try:
        assert len(os.fsencode(short)) <= places.SOCKET_PATH_LIMIT < len(os.fsencode(wanted))
        assert (short.stat().st_mode & 0o777, short.stat().st_uid) == (0o700, os.geteuid())
        assert places.socket_directory(wanted, None) == short, "every start finds the same"
        assert not wanted.exists()
    finally:
        short.rmdir()
    assert places.socket_directory(tmp_path / "s", None) == tmp_path / "s"


@pytest.mark.parametrize(("left_over", "answer"), [(False, ""), (True, ""), (True, "no server running")])
def test_a_server_left_over_is_stopped_and_a_file_left_over_does_no_harm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, left_over: bool, answer: str
) -> None:
    made = cluster(tmp_path)
    made.data.mkdir()
    if left_over:
        (made.data / "postmaster.pid").write_text("1\n")
    asked: list[list[str | Path]] = []

    def run(self: Cluster, command: list[str | Path], text: str = "", password: str = "") -> str:
        asked.append(command[:4])
        if answer:
            raise Problem(answer)
        return ""

    monkeypatch.setattr(Cluster, "run", run)
    made.stop_left_over()
    assert asked == [["pg_ctl", "stop", "-D", made.data]] * left_over
