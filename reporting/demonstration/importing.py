"""What a laboratory sent in the last days: a file with a row of every kind, and a message whose results wait."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Count, Q, QuerySet

from labs.files import read_table, text_of
from labs.mapping import suggested
from labs.models import LabImport, LabResult, Specimen
from labs.services import accept_rows, make_token, match_columns, receive_message, upload_file
from protocol.explain import plain
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte
from reporting.demonstration.chronicle import moment
from reporting.demonstration.stage import Stage
from trialsite.context import reading
from trialsite.models import Role

SITE = "01"
#: A slip in the last figure, in the canonical unit.
CORRECTION = Decimal("0.1")
MEASURED_RESULT = Q(superseded_at=None, comparator="", value__isnull=False)
MEASURED = Q(results__superseded_at=None, results__comparator="", results__value__isnull=False)
#: Results of the message, in mg/dL.
SENT = {Analyte.URATE: "4.7", Analyte.BUN: "16"}
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
    specimen = _chemistry()[0]
    same, corrected, differs = LabResult.objects.filter(MEASURED_RESULT, specimen=specimen).order_by("analyte")[:3]
    subject = specimen.subject
    who = f"{subject.number},{subject.birth_year},{subject.sex},{specimen.collected_on}"
    lines = [
        HEADING,
        f"{who},Urate,5.1,mg/dL,F",
        f"{who},Urea nitrogen,15,mg/dL,F",
        f"{who},{_said(same, Decimal(0))},F",
        f"{who},{_said(corrected, CORRECTION)},C",
        f"{who},{_said(differs, CORRECTION)},F",
        f"{who},Phosphate,3.4,,F",
        f"01-921,1960,F,{specimen.collected_on},Urate,6.0,mg/dL,F",
    ]
    return "\r\n".join((*lines, "")).encode()


def _chemistry() -> QuerySet[Specimen]:
    """Measured chemistry of the site, the newest first."""
    complete = Specimen.objects.filter(panel="chemistry", status=Specimen.Status.COMPLETE).select_related("subject")
    measured = complete.annotate(measured=Count("results", filter=MEASURED)).filter(measured__gte=3)
    return measured.order_by("-collected_on", "-id")


def laboratory_message(stage: Stage) -> Iterator[date]:
    """The laboratory's system sends more results of a sample that is known; nobody has imported them yet."""
    on = stage.anchor - timedelta(days=1)
    yield on
    manager, site_id = stage.who(Role.DATA_MANAGER, "00"), stage.sites[SITE].pk
    made = make_token(
        by=manager, at=moment(on), site_id=site_id, laboratory_id=stage.laboratories[SITE], label="Laboratory system"
    )
    with reading(stage.who(Role.COORDINATOR, SITE), moment(on)):
        content = _message()
    receive_message(token=made.token, at=moment(on), source=LabImport.Source.HL7, content=content)


def _message() -> bytes:
    """Two results that are new, and one of a test that is not part of the trial."""
    newest = _chemistry()
    specimen = newest.exclude(subject=newest[0].subject)[0]
    subject, day = specimen.subject, f"{specimen.collected_on:%Y%m%d}"
    told = [
        *((TRIAL.analytes[one].loinc, TRIAL.analytes[one].label, value) for one, value in SENT.items()),
        ("VISC", "Whole blood viscosity", "4.1"),
    ]
    segments = [
        f"MSH|^~\\&|LIS|LAB|EDC|TRIAL|{day}||ORU^R01^ORU_R01|40117|P|2.5.1",
        f"PID|1||{subject.number}^^^{TRIAL.id}^RI||||{subject.birth_year}|{subject.sex}",
        f"OBR|1||{specimen.accession}|CHEM|||{day}",
        *(
            f"OBX|{place}|NM|{code}^{name}^LN||{value}|mg/dL|||||F"
            for place, (code, name, value) in enumerate(told, start=1)
        ),
    ]
    return "\r".join((*segments, "")).encode()


def _said(result: LabResult, more: Decimal) -> str:
    """Test, result and unit as the laboratory writes them."""
    value = plain((result.value or Decimal(0)) + more)
    return f'"{TRIAL.analytes[Analyte(result.analyte)].label}",{value},{result.unit}'
