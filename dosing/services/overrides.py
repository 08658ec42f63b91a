"""Data managers learn that an investigator decided otherwise than the rules propose; why is on the page."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.urls import reverse

from dosing.models import PhaseDecision
from trialsite import mail
from trialsite.access import system_actor
from trialsite.context import reading
from trialsite.models import Role, Site, Subject


def tell_data_managers(subject: Subject, decision: PhaseDecision, at: datetime) -> None:
    """One mail per data manager of the coordinating centre; no clinical data. Runs inside the caller's `writing`."""
    with reading(system_actor("mail"), at):
        centre = Site.objects.filter(is_coordinating_centre=True).first()
        managers = mail.people_at(centre, Role.DATA_MANAGER, at) if centre else []
    place = reverse("subject_response", kwargs={"key": subject.key, "code": decision.proposal.detail["code"]})
    mail.queue(
        key=f"override:{decision.pk}",
        to=managers,
        heading=f"A decision differs from what the rules propose: subject {subject.number}",
        body=(
            f"The investigator of site {subject.site.code} signed a decision on subject {subject.number} that differs "
            f"from what the rules propose, and gave a reason.\n\nRead both:\n{settings.PUBLIC_URL}{place}\n"
        ),
        why="A signed decision differs from the proposal",
        at=at,
        site=subject.site,
        subject=subject,
    )
