"""The private database and broker of one run: a demonstration, or the tests."""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trialsite.stack import broker, postgres

DATABASE = "trialsite"
#: Tests copy a database of a thousand files several hundred times, which a disk makes five times as dear as memory.
MEMORY = Path("/dev/shm")  # noqa: S108  # nosec B108
ENOUGH = 4 * 2**30


def new_passwords() -> postgres.Passwords:
    return postgres.Passwords(*(secrets.token_urlsafe(24) for _ in range(4)))


@dataclass
class TestServers:
    """Servers for one run of tests; nothing is started before `start`, nothing is left after `stop`."""

    __test__ = False

    home: Path
    cluster: postgres.Cluster
    broker: broker.Broker

    def environment(self, database: str) -> dict[str, str]:
        """The variables that lead a process to these servers."""
        passwords = self.cluster.passwords
        return {
            "DATABASE_URL": self.cluster.url("edc_app", passwords.app, database),
            "DATABASE_OWNER_URL": self.cluster.url("edc_owner", passwords.owner, database),
            "DATABASE_READONLY_URL": self.cluster.url("edc_readonly", passwords.readonly, database),
            "REDIS_URL": self.broker.url,
        }

    def start(self) -> None:
        self.cluster.start(self.home / "postgres.log")
        self.cluster.bootstrap(DATABASE)
        # Tests copy the database; an installation never does, so the roles script does not grant this.
        # Nor may its owner end the connections of others, as dropping a copy in use needs.
        self.cluster.sql("alter role edc_owner createdb; grant pg_signal_backend to edc_owner")
        self.broker.start(self.home / "broker.log")

    def stop(self) -> None:
        for child in (self.broker.child, self.cluster.child):
            if child:
                child.stop()
        shutil.rmtree(self.home, ignore_errors=True)


def forgetful_place() -> Path:
    """Where files of one run lie best: in memory where there is plenty of it (a container often has 64 MB)."""
    roomy = os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ENOUGH
    return MEMORY if roomy else Path(tempfile.gettempdir())


def for_tests(checkout: Path) -> TestServers:
    """Servers in a new temporary directory, fast and forgetful."""
    home = Path(tempfile.mkdtemp(prefix="trialsite-test-", dir=forgetful_place()))
    home.chmod(0o711)
    cluster = postgres.cluster(checkout, home, new_passwords(), postgres.FAST)
    return TestServers(home, cluster, broker.Broker(home, secrets.token_urlsafe(24)))


@contextmanager
def running(checkout: Path) -> Iterator[TestServers]:
    """Servers for the length of a block."""
    servers = for_tests(checkout)
    try:
        servers.start()
        yield servers
    finally:
        servers.stop()
