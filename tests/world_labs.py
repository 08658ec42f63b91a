"""Builders of laboratory data for tests: laboratories, treated subjects, recorded visits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from labs.entries import Collection, Entry, PanelEntry
from labs.models import Laboratory
from labs.services import Limits, PanelsRecorded, record_panel, save_laboratory, save_reference_range
from protocol.trial import TRIAL
from protocol.vocabulary import Analyte, PanelCode, Phase
from tests.world import World
from trialsite.access import Duty
from trialsite.context import because, writing
from trialsite.models import Role, Subject
from trialsite.services.subjects import move_subject, next_number

PANEL_OF = {analyte: panel.code for panel in TRIAL.panels.values() for analyte in panel.analytes}
Typed = Mapping[Analyte, str | Entry]


def morning(on: date) -> datetime:
    """An hour at which every site is at work on that day."""
    return datetime.combine(on, time(16), UTC)


def laboratory(world: World, site: str = "01", *, name: str = "Central laboratory", central: bool = True) -> Laboratory:
    return save_laboratory(by=world.admin, at=world.at, site_id=world.sites[site].pk, name=name, is_central=central)


def limits(
    world: World,
    lab: Laboratory,
    analyte: Analyte,
    low: str,
    high: str,
    *,
    valid_from: date | None = None,
    sex: str = "",
) -> None:
    save_reference_range(
        by=world.admin,
        at=world.at,
        site_id=lab.site_id,
        laboratory_id=lab.pk,
        limits=Limits(
            analyte=analyte,
            low=Decimal(low) if low else None,
            high=Decimal(high) if high else None,
            unit=TRIAL.analytes[analyte].unit,
            valid_from=valid_from or date(2020, 1, 1),
            sex=sex,
        ),
    )


def treated_subject(world: World, *, day1: date, site: str = "01") -> Subject:
    """A subject in induction since `day1`, screened and registered before it; the clock stands at Day 1."""
    world.at = morning(day1 - timedelta(days=20))
    subject = world.subject(site)
    coordinator = world.person(Role.COORDINATOR, site)
    world.at = morning(day1)
    with writing(by=coordinator, duty=Duty.ENTER_DATA, site_id=subject.site_id, at=world.at, reason="Started"):
        subject.subject_number = next_number(subject.site, screening=False)
        subject.registered_on, subject.day1_on = day1 - timedelta(days=3), day1
        with because("Registered"):
            subject.save(update_fields=["subject_number", "registered_on", "day1_on"])
        move_subject(subject=subject, to=Phase.ENROLLED, on=day1 - timedelta(days=3), why="Registered", at=world.at)
        move_subject(subject=subject, to=Phase.INDUCTION, on=day1, why="First dose", at=world.at)
    return subject


def panels(on: date, typed: Typed, *, lab: Laboratory | None = None) -> list[PanelEntry]:
    """What the form would hand in: the results grouped into their panels, all collected on one day."""
    grouped: dict[PanelCode, dict[Analyte, Entry]] = {}
    for analyte, words in typed.items():
        entry = words if isinstance(words, Entry) else Entry(words)
        grouped.setdefault(PANEL_OF[analyte], {})[analyte] = entry
    collection = Collection(on=on, laboratory_id=lab.pk if lab else None)
    return [PanelEntry(panel, collection, entries) for panel, entries in grouped.items()]


def record(
    world: World,
    subject: Subject,
    code: str,
    on: date,
    typed: Typed,
    *,
    reason: str = "",
    lab: Laboratory | None = None,
) -> PanelsRecorded:
    """The site's coordinator saves a visit's grid on the day of collection, or later if the clock is later."""
    world.at = max(world.at, morning(on))
    coordinator = world.person(Role.COORDINATOR, subject.site.code)
    return record_panel(
        by=coordinator,
        at=world.at,
        subject_id=subject.pk,
        site_id=subject.site_id,
        visit_code=code,
        panels=panels(on, typed, lab=lab),
        reason=reason,
    )
