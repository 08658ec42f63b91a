"""A laboratory's file of the last days: a saved mapping, and a row of every kind that an import tells apart."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from labs.files import read_table, text_of
from labs.mapping import suggested
from labs.models import LabResult, Specimen
from labs.services import accept_rows, match_columns, upload_file
from protocol.vocabulary import Analyte
from reporting.demonstration.chronicle import moment
from reporting.demonstration.stage import Stage
from trialsite.context import reading
from trialsite.models import Role

SITE = "01"
HEADING = "Subject,Birth year,Sex,Collected,Test,Result,Unit,Status"


def laboratory_file(stage: Stage) -> Iterator[date]:
    """The coordinator imports what is good; a conflict and a row without a unit wait for her."""
    on = stage.anchor - timedelta(days=1)
    yield on
    coordinator, site_id = stage.who(Role.COORDINATOR, SITE), stage.sites[SITE].pk
    with reading(coordinator, moment(on)):
        content = _file()
    uploaded = upload_file(
        by=coordinator, at=moment(on), site_id=site_id, laboratory_id=stage.laboratories[SITE],
        name=f"site01_chemistry_{on}.csv", content=content,
    ).imported  # fmt: skip
    matched = match_columns(
        by=coordinator, at=moment(on), site_id=site_id, import_id=uploaded.pk,
        mapping=suggested(read_table(text_of(content))),
    )  # fmt: skip
    accept_rows(by=coordinator, at=moment(on), site_id=site_id, import_id=matched.pk)


def _file() -> bytes:
    """Written from the newest chemistry of the site: new, the same, corrected, another value, and unusable rows."""
    specimen = (
        Specimen.objects.filter(panel="chemistry", status=Specimen.Status.COMPLETE, results__analyte=Analyte.GGT)
        .select_related("subject")
        .order_by("-collected_on", "-id")[0]
    )
    recorded = {
        one.analyte: one.typed for one in LabResult.objects.filter(specimen=specimen, superseded_at=None, missing="")
    }
    subject = specimen.subject
    who = f"{subject.number},{subject.birth_year},{subject.sex},{specimen.collected_on}"
    lines = [
        HEADING,
        f"{who},Urate,5.1,mg/dL,F",
        f"{who},Urea nitrogen,15,mg/dL,F",
        f"{who},Sodium,{recorded['sodium']},mmol/L,F",
        f"{who},Potassium,{recorded['potassium']}1,mmol/L,C",
        f"{who},Gamma-glutamyl transferase,{recorded['ggt']}1,U/L,F",
        f"{who},Phosphate,3.4,,F",
        f"01-921,1960,F,{specimen.collected_on},Urate,6.0,mg/dL,F",
    ]
    return "\r\n".join((*lines, "")).encode()
