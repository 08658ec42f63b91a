"""Third-party files are exactly those listed, byte by byte."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LIST = ROOT / "static" / "vendor" / "VENDOR.toml"
FOLDERS = (ROOT / "static" / "vendor", ROOT / "tests" / "vendor")


def listed() -> dict[str, str]:
    """Path -> expected sum."""
    packages = tomllib.loads(LIST.read_text(encoding="utf-8"))["package"]
    return {file["path"]: file["sha256"] for package in packages for file in package["file"]}


def test_every_file_has_the_listed_sum() -> None:
    found = {path: hashlib.sha256((ROOT / path).read_bytes()).hexdigest() for path in listed()}
    assert found == listed()


def test_no_file_is_unlisted() -> None:
    there = {str(path.relative_to(ROOT)) for folder in FOLDERS for path in folder.rglob("*") if path.is_file()}
    assert there - {str(LIST.relative_to(ROOT))} == set(listed())


def test_every_package_has_its_licence_beside_it() -> None:
    for package in tomllib.loads(LIST.read_text(encoding="utf-8"))["package"]:
        assert package["licence"]
        assert package["source"].endswith("@" + package["version"])
        assert any(file["path"].endswith("/LICENSE") for file in package["file"]), package["name"]
