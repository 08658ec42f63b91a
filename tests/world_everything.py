"""One of everything at one site, so that each address of the site has something to show."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import uuid4

from enrollment.models import ConsentForm
from labs.models import LabImport, Laboratory, LabResult
from protocol.vocabulary import Analyte
from safety.models import AdverseEvent, ConcomitantMedication, SafetyReport
from safety.services import Medication, record_medication, report_adverse_event, report_pregnancy
from safety.vocabulary import WhoIsPregnant
from tests import world_dosing as treat
from tests.world import World
from tests.world_enrollment import central_laboratory, complete, form_in_force, sent
from tests.world_followup import followed_subject, who
from tests.world_imports import csv_of, line, upload
from tests.world_safety import an_event
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Query, Role, SourceVerification, Subject
from trialsite.partial_dates import on_day
from trialsite.sdv_selectors import items_of
from trialsite.services import queries
from trialsite.services.queries import Anchor
from trialsite.services.source_verification import verify_items


@dataclass(frozen=True)
class Ward:
    """What was made at one site: subjects at three points of the road, and what hangs on the first."""

    site: str
    treated: Subject
    screened: Subject
    followed: Subject
    result: LabResult
    query: Query
    medication: ConcomitantMedication
    event: AdverseEvent
    report: SafetyReport
    laboratory: Laboratory
    consent_form: ConsentForm
    imported: LabImport
    verification: SourceVerification


def furnish(world: World, site: str = "01", *, said: str = "Plain words") -> Ward:
    """`said` is typed into every free-text field that is filled here."""
    form_in_force(world, site)
    treated = treat.at_month_6(world, site).subject
    event = report_adverse_event(
        **who(world, treated), token=uuid4(), event=an_event("Headache", 2, "feb 2024", reported_as=f"{said} reported")
    )
    report = report_pregnancy(
        **who(world, treated),
        token=uuid4(),
        pregnant=WhoIsPregnant.PARTNER,
        aware_at=world.at,
        narrative=f"{said} narrated",
    )
    laboratory = central_laboratory(world, site)
    urate = line(treated, "Urate", "5", "mg", accession=f"{said[:20]} {treated.number}", on="2024-07-16")
    imported = upload(world, laboratory, csv_of(urate), name=f"{said[:40]}.csv")
    followed = followed_subject(world, last_dose_on=date(2024, 8, 20), site=site)
    medication = record_medication(
        **who(world, treated),
        token=uuid4(),
        medication=Medication(f"{said} drug", f"{said} indication", on_day(date(2024, 2, 1))),
    )
    screened = complete(world, site)
    sent(world, screened)
    with reading(system_actor("verification"), world.at):
        result = LabResult.objects.get(subject=treated, analyte=Analyte.SERUM_M, specimen__visit__code="m06")
    query = queries.ask(
        by=world.person(Role.DATA_MANAGER),
        at=world.at,
        token=uuid4(),
        subject=treated,
        anchor=Anchor("lab_result", result.pk, "serum_m", "m06"),
        text=f"{said} asked",
    )
    with reading(system_actor("verification"), world.at):
        consent_form = ConsentForm.objects.get(site=world.sites[site])
        shown = [one.token for one in items_of(treated) if one.place == "m06"]
    verification = verify_items(**who(world, treated, Role.MONITOR), tokens=shown)[0]
    return Ward(
        site=site, treated=treated, screened=screened, followed=followed, result=result, query=query,
        medication=medication, event=event, report=report, laboratory=laboratory, consent_form=consent_form,
        imported=imported, verification=verification,
    )  # fmt: skip
