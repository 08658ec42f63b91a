"""Set-up of the whole run: private servers are chosen before Django reads its settings, and started on demand.

The addresses are known before the servers run, so a test that needs no database (the protocol's) waits for none.
"""

import atexit
import os
from pathlib import Path

import django
import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from trialsite.garbage import collect_seldom
from trialsite.stack.servers import TestServers, for_tests

pytest_plugins = [
    "tests.fixtures.databases",
    "tests.fixtures.staff",
    "tests.fixtures.kept",
    "tests.fixtures.processes",
    "tests.fixtures.browser",
    "tests.fixtures.menu",
]

_SERVERS = for_tests(Path(__file__).resolve().parent.parent)
atexit.register(_SERVERS.stop)


# At import, so that the conftest of a room, which pytest reads right after this file, may import models.
os.environ.update(_SERVERS.environment("shared"))
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
os.environ.pop("TRIALSITE_PROFILE", None)
# A browser under test keeps an event loop in this thread, which Django takes for an asynchronous view.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
django.setup()
collect_seldom()


def pytest_xdist_setupnodes() -> None:
    """Let every process of tests read the settings after it chose servers of its own, not with those of this one."""
    del os.environ["DJANGO_SETTINGS_MODULE"]


# Files that share what is dear to make, or whose tests follow one another, stay in one process of tests.
TOGETHER = {
    "tests/reporting/test_demonstration.py": "demonstration",
    "tests/reporting/test_replay_subject.py": "demonstration",
    "tests/trialsite/test_audit.py": "demonstration",
    "tests/trialsite/test_audit_paths.py": "demonstration",
    "tests/trialsite/test_every_page.py": "demonstration",
    "tests/trialsite/test_every_url.py": "addresses",
    "tests/stack/test_supervisor.py": "supervisor",
}


class Neighbours(LoadScopeScheduling):
    """Hand out single tests, and those of TOGETHER as one."""

    def _split_scope(self, nodeid: str) -> str:
        return TOGETHER.get(nodeid.partition("::")[0], nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    return Neighbours(config, log)


#: What takes long begins first: where two processes end with quick tests, neither waits long for the other.
SLOW = ("long", "worker", "browser")


def slowness(item: pytest.Item) -> int:
    return min((SLOW.index(mark.name) for mark in item.iter_markers() if mark.name in SLOW), default=len(SLOW))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that take long first; then those with a real worker, those with a real browser, and the quick ones last."""
    items.sort(key=slowness)


@pytest.fixture(scope="session")
def private_servers() -> TestServers:
    """The servers of this run, not yet started."""
    return _SERVERS
