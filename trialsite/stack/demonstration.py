"""One demonstration on this machine: what it starts, in which order, and what it leaves for the next start."""

import fcntl
import json
import os
import shutil
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from trialsite.stack import broker, children, keeping, places, postgres
from trialsite.stack.account import for_database
from trialsite.stack.gate import GATE
from trialsite.stack.problems import Problem

CHECKOUT = Path(__file__).resolve().parents[2]
DATABASE = "trialsite"
#: The embedded database, whole or half made.
CLUSTER = ("postgres", postgres.UNFINISHED)
#: What goes with the data of whichever database holds the demonstration.
KEPT = ("mail", "clock", "beat", "accounts.txt")
WEB = "web"
TAKEN = 2  # exit status: somebody else has the port or the data
#: Seconds between being asked to end and being killed. Web, worker and beat are asked together and share theirs
#: (an interrupted task is taken up again: messages are acknowledged late), so that a stop takes 5 s at most.
PATIENCE = {broker.NAME: 0.5, postgres.NAME: 2.0}
SHARED_PATIENCE = 2.5


@dataclass
class Demonstration:
    """The processes of one demonstration; `begin` starts them, `end` stops them in the opposite order."""

    port: int
    home: Path = CHECKOUT / ".demo"
    servers: list[children.Child] = field(default_factory=list)
    programs: list[children.Child] = field(default_factory=list)
    lock: TextIO | None = None
    claimed: bool = False

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def state(self) -> Path:
        return self.home / "state.json"

    def claim(self) -> None:
        """Make sure that nobody else uses the data or the port; nothing has been started yet."""
        self.home.mkdir(mode=0o711, parents=True, exist_ok=True)
        self.lock = (self.home / "lock").open("a")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Problem(f"The demonstration in {self.home} is running already: stop it first.", TAKEN) from None
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((broker.LOOPBACK, self.port))
            except OSError as error:
                why = error.strerror or str(error)
                raise Problem(f"Port {self.port} cannot be used ({why}): choose another with --port.", TAKEN) from None
        self.claimed = True

    def forget(self) -> None:
        """Remove the embedded database and its passwords; nothing where another database is given.

        What else a demonstration keeps goes when the preparation has agreed to empty its database.
        """
        if os.environ.get("DATABASE_URL"):
            return
        self.state.unlink(missing_ok=True)
        for directory in (self.home, places.home(self.home, for_database())):
            for name in (*CLUSTER, "socket", "broker", "logs", "static"):
                shutil.rmtree(directory / name, ignore_errors=True)
        (self.home / "secrets.json").unlink(missing_ok=True)

    def begin(self, preparation: Sequence[str]) -> None:
        """Start everything and wait until the site answers; `preparation` are options of `manage.py prepare`."""
        places.private_directory(self.home / "logs")
        environment = self.environment(keeping.keep(self.home / "secrets.json"))
        gate = self.home / "prepared"
        gate.unlink(missing_ok=True)
        self.run(WEB, {**environment, GATE: str(gate)})  # it reads the program meanwhile
        self.prepare(environment, preparation)
        gate.touch()
        self.wait_until_ready()
        for name in self.commands():
            if name != WEB:  # they read the program while the first page is looked at
                self.run(name, environment)

    def run(self, name: str, environment: dict[str, str]) -> None:
        log = self.home / "logs" / f"{name}.log"
        command = self.commands()[name]
        self.programs.append(children.start(name, command, environment=environment, log=log, directory=CHECKOUT))

    def environment(self, kept: dict[str, str]) -> dict[str, str]:
        """Start the servers that are not given, and describe them to the processes of the product."""
        values = {
            "SECRET_KEY": kept["key"],
            "PUBLIC_URL": self.url,
            "STATIC_FORM": "manifest",
            "STATIC_ROOT": str(self.home / "static"),
            "MAIL_DIRECTORY": str(self.home / "mail"),
            "CLOCK_FILE": str(self.home / "clock"),
            **self.database(kept),
            **self.messages(kept),
        }
        keeping.write_privately(
            self.state, json.dumps({"supervisor": os.getpid(), "url": self.url, "environment": values})
        )
        return {**os.environ, **values, "TRIALSITE_PROFILE": "development", "PYTHONUNBUFFERED": "1"}

    def database(self, kept: dict[str, str]) -> dict[str, str]:
        if given := os.environ.get("DATABASE_URL"):
            owner = os.environ.get("DATABASE_OWNER_URL")
            if not owner:
                raise Problem("DATABASE_URL is set without DATABASE_OWNER_URL: give the same database as edc_owner.")
            say("Database: the one that DATABASE_URL names")
            return {"DATABASE_URL": given, "DATABASE_OWNER_URL": owner}
        passwords = keeping.passwords(kept)
        cluster = postgres.cluster(CHECKOUT, self.home, passwords)
        say(f"Database: PostgreSQL {cluster.binaries.major} from {cluster.binaries.origin}")
        self.servers.append(cluster.start(self.home / "logs" / "postgres.log"))
        cluster.bootstrap(DATABASE)
        return {
            "DATABASE_URL": cluster.url("edc_app", passwords.app, DATABASE),
            "DATABASE_OWNER_URL": cluster.url("edc_owner", passwords.owner, DATABASE),
        }

    def messages(self, kept: dict[str, str]) -> dict[str, str]:
        if given := os.environ.get("REDIS_URL"):
            say("Broker: the one that REDIS_URL names")
            return {"REDIS_URL": given}
        own = broker.Broker(self.home, kept["broker"])
        say(f"Broker: {broker.find_binary()[0].name} from {broker.find_binary()[1]}")
        self.servers.append(own.start(self.home / "logs" / "broker.log"))
        return {"REDIS_URL": own.url}

    def prepare(self, environment: dict[str, str], options: Sequence[str]) -> None:
        """Migrate, collect and load in one process, whose words go to the terminal."""
        accounts = self.home / "accounts.txt"
        command = [sys.executable, "manage.py", "prepare", "--static", "--accounts", str(accounts), *options]
        if "--reset" in options:
            command += ["--forget", *(str(self.home / name) for name in KEPT)]
        others = [*self.servers, *self.programs]
        child = children.start("the preparation", command, environment=environment, log=None, directory=CHECKOUT)
        self.programs.append(child)
        while not child.ended():
            self.refuse_losses(others)
            time.sleep(0.05)
        self.programs.remove(child)
        if child.process.returncode:
            self.refuse_losses(others)  # then that is the reason
            raise Problem("The database could not be prepared; the reason is above.")

    def commands(self) -> dict[str, list[str]]:
        """Web, worker and beat, in the order they start."""
        python = [sys.executable, "-m"]
        celery = [*python, "celery", "-A", "trialsite.celery"]
        gunicorn = [*python, "gunicorn", "trialsite.wsgi", "--bind", f"{broker.LOOPBACK}:{self.port}"]
        return {
            WEB: gunicorn + GUNICORN,
            "worker": [*celery, "worker", "--concurrency", "2", "--loglevel", "INFO", "--without-gossip"],
            "beat": [*celery, "beat", "--schedule", str(self.home / "beat"), "--pidfile=", "--loglevel", "INFO"],
        }

    def accounts(self) -> str:
        """Who can sign in, as the preparation wrote it down."""
        path = self.home / "accounts.txt"
        return path.read_text() if path.exists() else ""

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while not answers(f"{self.url}/healthz"):
            self.refuse_losses(self.servers + self.programs)
            if time.monotonic() > deadline:
                raise Problem(f"The site did not answer within a minute: see {self.home / 'logs' / 'web.log'}.")
            time.sleep(0.05)

    def refuse_losses(self, watched: Sequence[children.Child]) -> None:
        """End the rest when one of these processes has ended."""
        for child in reversed(watched):
            if child.ended():
                raise Problem(f"Stopping: {child.cause()} (its words are in {self.home / 'logs'}).")

    def end(self) -> None:
        """Stop beat, worker and web side by side, then the broker, then the database."""
        for child in reversed(self.programs):
            child.ask()
        for child in reversed(self.servers + self.programs):
            child.stop(PATIENCE.get(child.name, SHARED_PATIENCE))
        if self.claimed:  # else the state is that of the demonstration that is running
            self.state.unlink(missing_ok=True)

    def watch(self) -> None:
        """Return never: a signal or a lost process ends it."""
        while True:
            self.refuse_losses(self.servers + self.programs)
            time.sleep(0.2)


GUNICORN = [
    "--worker-class=gthread",
    "--workers=2",
    "--threads=4",
    "--keep-alive=75",
    "--graceful-timeout=2",
    "--no-control-socket",
    "--preload",  # read the program once, not once per worker
    "--config=python:trialsite.stack.gate",
]


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  # nosec B310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def say(words: str) -> None:
    print(words, flush=True)


def interrupt(signum: int, _frame: object) -> None:
    raise KeyboardInterrupt(signal.Signals(signum).name)
