"""Builders for treatment in tests: subjects on anakinra with the results of their visits, proposals, signatures."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from uuid import uuid4

from dosing import services
from dosing.models import AssignmentDiscrepancy, PhaseDecision, PhaseProposal
from dosing.selectors import pending_proposal, site_day
from dosing.selectors.reviews import comparison
from protocol.versions import ORIGINAL
from protocol.vocabulary import Analyte, DoseStatus, Drug, Phase, Response
from tests.world import World
from tests.world_labs import morning, record
from trialsite.access import Duty, system_actor
from trialsite.context import because, reading, writing
from trialsite.models import OutboxMessage, Role, Subject
from trialsite.outbox import News, drain
from trialsite.services.signatures import digest
from trialsite.services.subjects import move_subject, next_number

DAY1 = date(2024, 1, 15)
MONTH = {1: date(2024, 2, 14), 2: date(2024, 3, 14), 3: date(2024, 4, 12), 5: date(2024, 6, 14), 6: date(2024, 7, 12)}
M12 = date(2025, 1, 13)


def registered(world: World, site: str = "01", *, on: date = date(2024, 1, 10)) -> Subject:
    """A registered subject that waits for the first dose."""
    world.at = morning(on)
    subject = world.subject(site)
    coordinator = world.person(Role.COORDINATOR, site)
    world.person(Role.INVESTIGATOR, site)
    with writing(by=coordinator, duty=Duty.REGISTER_SUBJECT, site_id=subject.site_id, at=world.at):
        with because("Registered"):
            subject.subject_number = next_number(subject.site, screening=False)
            subject.registered_on = on
            subject.save(update_fields=["subject_number", "registered_on"])
        move_subject(subject=subject, to=Phase.ENROLLED, on=on, why="Registered", at=world.at)
    return subject


def screened_results(world: World, subject: Subject, m_spike: str = "3.8", on: date = date(2024, 1, 10)) -> None:
    """The baseline panel of the screening visit."""
    typed = {Analyte.SERUM_M: m_spike, Analyte.URINE_M: "50", Analyte.FLC_KAPPA: "30", Analyte.FLC_LAMBDA: "12"}
    record(world, subject, "scr", on, typed)


def start(world: World, subject: Subject, on: date = DAY1) -> Subject:
    """The first dose."""
    world.at = morning(on)
    return services.start_treatment(
        by=world.person(Role.COORDINATOR, subject.site.code),
        at=world.at,
        subject_id=subject.pk,
        site_id=subject.site_id,
        first_dose_on=on,
    )


def on_anakinra(world: World, site: str = "01", baseline: str = "3.8") -> Subject:
    """A subject in induction with a baseline; the clock stands at Day 1."""
    subject = registered(world, site)
    screened_results(world, subject, baseline)
    return start(world, subject)


def month(world: World, subject: Subject, number: int, m_spike: str, *, on: date | None = None) -> None:
    """The myeloma panel of one monthly visit, recorded on its day."""
    record(world, subject, f"m{number:02d}", on or MONTH[number], {Analyte.SERUM_M: m_spike, Analyte.URINE_M: "50"})


def settle_outbox(at: datetime) -> None:
    """What the worker would do."""
    drain(at)


def reevaluated(world: World, subject: Subject) -> PhaseProposal | None:
    """The proposal after the worker has looked: nothing waits for it any more."""
    proposal = services.reevaluate_subject(subject_id=subject.pk, at=world.at, caused_by="test")
    with reading(system_actor("re-evaluation"), world.at):
        waiting = OutboxMessage.objects.filter(subject=subject, kind=News.LABS_RECORDED, done_at=None)
        waiting.update(done_at=world.at)
    return proposal


def at_month_6(world: World, site: str = "01", values: tuple[str, str] = ("3.7", "3.6")) -> PhaseProposal:
    """A subject whose month-5 and month-6 samples are in, and what the machine proposes on them."""
    subject = on_anakinra(world, site)
    month(world, subject, 5, values[0])
    month(world, subject, 6, values[1])
    proposal = reevaluated(world, subject)
    assert proposal is not None
    return proposal


def today(world: World, subject: Subject) -> date:
    """The date at the subject's site."""
    return site_day(world.sites[subject.site.code], world.at)


def sign(
    world: World,
    proposal: PhaseProposal,
    to: Phase,
    *,
    starts_on: date | None = None,
    reason: str = "",
    response: Response | None = None,
    shown: str = "",
    token: object = None,
) -> PhaseDecision:
    """The site's investigator signs."""
    investigator = world.person(Role.INVESTIGATOR, proposal.site.code)
    return services.sign_phase_decision(
        by=investigator,
        at=world.at,
        proof=world.proof(investigator),
        subject_id=proposal.subject_id,
        site_id=proposal.site_id,
        token=token or uuid4(),  # type: ignore[arg-type]
        proposal_id=proposal.pk,
        shown=shown or proposal.fingerprint,
        verdict=services.Verdict(to, starts_on or today(world, proposal.subject), response, reason),
    )


def confirm_high_dose(
    world: World, value: Decimal = Decimal(40), site: str = "01", version: str = ORIGINAL.version
) -> None:
    """The high dose in mg, confirmed by signature."""
    investigator = world.person(Role.INVESTIGATOR, site)
    services.confirm_parameter(
        by=investigator,
        at=world.at,
        proof=world.proof(investigator),
        site_id=world.sites[site].pk,
        name="high_dex_mg",
        value=str(value),
        reason="Protocol section 5.2, signed copy",
        version=version,
    )


def pending(world: World, subject: Subject) -> PhaseProposal | None:
    with reading(system_actor("re-evaluation"), world.at):
        return pending_proposal(subject)


def resolve(world: World, found: AssignmentDiscrepancy, resolution: str) -> AssignmentDiscrepancy:
    """The site's investigator judges a discrepancy as `found` shows it."""
    return services.resolve_discrepancy(
        by=world.person(Role.INVESTIGATOR, found.site.code),
        at=world.at,
        subject_id=found.subject_id,
        site_id=found.site_id,
        discrepancy_id=found.pk,
        shown=digest(comparison(found)),
        resolution=resolution,
    )


def fill(
    world: World, subject: Subject, first_on: date, last_on: date, status: DoseStatus = DoseStatus.TAKEN
) -> services.Filled:
    """The site's coordinator records a range of anakinra days."""
    return services.record_doses(
        by=world.person(Role.COORDINATOR, subject.site.code),
        at=world.at,
        subject_id=subject.pk,
        site_id=subject.site_id,
        drug=Drug.ANAKINRA,
        first_on=first_on,
        last_on=last_on,
        status=status,
        reason="" if status is DoseStatus.TAKEN else "Forgot",
    )
