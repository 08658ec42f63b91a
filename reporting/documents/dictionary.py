"""docs/data-dictionary.md: every table and field of the database, every analyte of the protocol."""

from __future__ import annotations

from typing import cast

from django.apps import apps
from django.db import models

from protocol.schema import AnalyteSpec
from protocol.trial import TRIAL
from reporting.documents.markdown import page, table
from reporting.documents.privacy import privacy_of

ROOMS = ("trialsite", "labs", "enrollment", "safety", "dosing", "followup")
INTRO = (
    "Made from the models and from `protocol.trial` by `manage.py generate_docs`. Days (`_on`) are the site's; "
    "instants (`_at`) are stored in UTC. Numbers are exact decimals. The privacy class says whether a field names "
    "a person (direct), does so together with others (quasi), holds what people write (free text), or neither (none)."
)


def dictionary() -> str:
    parts = []
    for room in ROOMS:
        parts.append(f"## {room}")
        parts += [_model(model) for model in apps.get_app_config(room).get_models()]
    return page("Data dictionary", INTRO, *parts, "## Analytes", _analytes())


def _model(model: type[models.Model]) -> str:
    words = " ".join((model.__doc__ or "").split())
    # Django writes the list of fields where a class has no words of its own.
    told = "" if words.startswith(f"{model.__name__}(") else f"\n\n{words}"
    rows = [_field(field) for field in model._meta.concrete_fields]
    return f"### {model.__name__} (`{model._meta.db_table}`){told}\n\n" + table(
        ("Field", "Type", "Empty", "Privacy", "Meaning"), rows
    )


def _field(field: models.Field[object, object]) -> tuple[str, str, str, str, str]:
    empty = "may be empty" if field.null or field.blank else ""
    return (f"`{field.column}`", _type(field), empty, str(privacy_of(field) or ""), _meaning(field))


def _type(field: models.Field[object, object]) -> str:
    if isinstance(field, models.ForeignKey):
        return target_of(field)
    if isinstance(field, models.DecimalField):
        return f"decimal, {field.max_digits} digits, {field.decimal_places} after the point"
    if isinstance(field, models.CharField) and field.max_length:
        return f"text, at most {field.max_length}"
    return NAMES.get(field.get_internal_type(), field.get_internal_type())


def target_of(field: models.ForeignKey[object, object]) -> str:
    """Name of the table that a reference points to."""
    return cast("type[models.Model]", field.related_model).__name__


NAMES = {
    "BigAutoField": "number of the row",
    "BigIntegerField": "whole number",
    "BooleanField": "yes or no",
    "DateField": "day",
    "DateTimeField": "instant",
    "EmailField": "e-mail address",
    "JSONField": "JSON",
    "PositiveIntegerField": "whole number, not negative",
    "PositiveSmallIntegerField": "whole number, not negative",
    "SmallIntegerField": "whole number",
    "TextField": "text",
    "TimeField": "time of day",
    "UUIDField": "UUID",
}


def _meaning(field: models.Field[object, object]) -> str:
    choices = ", ".join(str(value) for value, _ in field.flatchoices)
    return "; ".join(part for part in (str(field.help_text), f"one of {choices}" if choices else "") if part)


def _analytes() -> str:
    head = ("Name in files", "Label", "LOINC", "Unit", "Accepted units", "Plausible", "Values")
    return table(head, [_analyte(spec) for spec in TRIAL.analytes.values()])


def _analyte(spec: AnalyteSpec) -> tuple[str, ...]:
    plausible = f"{spec.plausible[0]} to {spec.plausible[1]}" if spec.plausible else ""
    values = ", ".join(spec.coded) or ("computed" if spec.derived else "number")
    return (f"`{spec.analyte.value}`", spec.label, spec.loinc, spec.unit, ", ".join(spec.units), plausible, values)
