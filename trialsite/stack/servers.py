"""The private database and broker of one run: a demonstration, or the tests."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trialsite.stack import broker, postgres

DATABASE = "trialsite"


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


def for_tests(checkout: Path) -> TestServers:
    """Servers in a new temporary directory, fast and forgetful."""
    home = Path(tempfile.mkdtemp(prefix="trialsite-test-"))
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
