"""What the migrations that create tables are written in: all tables of an app in one step, and two fields of all."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations import CreateModel
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState


class CreateTables(Operation):
    """Create several models in one step.

    After each CreateModel Django renders anew every model that is related to the new one, and here all are related
    to the subject, the site or the person: that took most of the time of migrating an empty database.
    """

    def __init__(self, tables: list[CreateModel]) -> None:
        self.tables = tables

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        if "apps" in vars(state):
            del state.apps  # rendered again when it is asked for, with all the tables in it
        for table in self.tables:
            table.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for table in self.tables:
            table.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for table in reversed(self.tables):
            table.database_backwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Create models {', '.join(table.name for table in self.tables)}"


def row_id() -> models.BigAutoField[int, int]:
    """The number that every row has."""
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


def link(
    to: str, *, null: bool = False, blank: bool = False, related_name: str = "+", help_text: str = ""
) -> models.ForeignKey[Any, Any]:
    """A foreign key to a row that stays: nothing clinical is deleted."""
    return models.ForeignKey(
        to, on_delete=models.PROTECT, null=null, blank=blank, related_name=related_name, help_text=help_text
    )
