"""docs/requirements.md: which test shows which requirement, read from the tests' own marks."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from reporting.documents.markdown import page, table
from reporting.documents.titles import TITLES

INTRO = (
    "Made from the marks in `tests/` by `manage.py generate_docs`. A test says by `@pytest.mark.req(...)` what it "
    "shows. A requirement without a test stands here with an empty place."
)
Marks = dict[str, list[str]]


class UnknownRequirement(Exception):
    """A test names a requirement that has no title."""


def requirements(tests: Path) -> str:
    """The matrix. `tests` is the directory with the tests. UnknownRequirement for an id without a title."""
    found = marks(tests)
    unknown = sorted(set(found) - set(TITLES))
    if unknown:
        raise UnknownRequirement(f"No title for {', '.join(unknown)}: add it to reporting/documents/titles.py.")
    rows = [(key, title, str(len(found[key])), "<br>".join(_by_file(found[key]))) for key, title in TITLES.items()]
    return page(
        "Requirements and the tests that show them", INTRO, table(("Id", "Requirement", "Tests", "Where"), rows)
    )


def _by_file(places: list[str]) -> Iterator[str]:
    files: dict[str, int] = defaultdict(int)
    for place in places:
        files[place.split("::")[0]] += 1
    return (f"`{name}` ({number})" for name, number in sorted(files.items()))


def marks(tests: Path) -> Marks:
    """Requirement -> tests ("file::name") that are marked with it."""
    found: Marks = defaultdict(list)
    for path in sorted(tests.rglob("test_*.py")):
        tree = ast.parse(path.read_text())
        whole = [key for node in tree.body if isinstance(node, ast.Assign) for key in _of_module(node)]
        for name, keys in _tests(tree, whole):
            for key in dict.fromkeys(keys):
                found[key].append(f"{path.relative_to(tests.parent)}::{name}")
    return found


def _tests(tree: ast.Module, inherited: list[str]) -> Iterator[tuple[str, list[str]]]:
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            own = [*inherited, *_of(node.decorator_list)]
            inner = [
                one
                for one in node.body
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) and one.name.startswith("test")
            ]
            yield from ((f"{node.name}::{one.name}", [*own, *_of(one.decorator_list)]) for one in inner)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            yield node.name, [*inherited, *_of(node.decorator_list)]


def _of_module(node: ast.Assign) -> list[str]:
    """Marks of `pytestmark = ...`, alone or in a list."""
    if not any(isinstance(target, ast.Name) and target.id == "pytestmark" for target in node.targets):
        return []
    values = node.value.elts if isinstance(node.value, ast.List | ast.Tuple) else [node.value]
    return _of(values)


def _of(expressions: list[ast.expr]) -> list[str]:
    return [
        argument.value
        for one in expressions
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr == "req"
        for argument in one.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
