"""docs/er-diagram.md: the tables of each room and how they hang together."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import models

from reporting.documents.dictionary import ROOMS, target_of
from reporting.documents.markdown import page

INTRO = (
    "Made from the models by `manage.py generate_docs`. Every clinical row also carries its site; references to "
    "persons and to sites are left out so that the lines stay readable."
)
LEFT_OUT = ("User", "Site")


def diagram() -> str:
    parts = [f"## {room}\n\n```mermaid\nerDiagram\n" + "\n".join(_lines(room)) + "\n```" for room in ROOMS]
    return page("Tables and how they hang together", INTRO, *parts)


def _lines(room: str) -> Iterator[str]:
    for model in apps.get_app_config(room).get_models():
        yield f"    {model.__name__}"
        yield from _references(model)


def _references(model: type[models.Model]) -> Iterator[str]:
    for field in model._meta.concrete_fields:
        if isinstance(field, models.ForeignKey) and target_of(field) not in LEFT_OUT:
            many = "|o" if isinstance(field, models.OneToOneField) else "o{"
            one = "|o" if field.null else "||"
            yield f"    {target_of(field)} {one}--{many} {model.__name__} : {field.name}"
