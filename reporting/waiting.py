"""How many tasks wait for a person: the number beside "My work", on every page and without scripting."""

from __future__ import annotations

from datetime import datetime

from reporting.selectors.known import known
from reporting.selectors.subjects import subjects_in_reach
from trialsite.access import Actor
from trialsite.models import Role


def tasks_waiting(by: Actor, at: datetime) -> int:
    """Tasks that /my-work/ shows this person, without those that wait for others."""
    by_site: dict[int, frozenset[Role]] = {}
    found = 0
    for one in known(subjects_in_reach(), at):
        site_id = one.facts.subject.site_id
        roles = by_site.setdefault(site_id, by.roles(site_id, at.date()))
        found += sum(step.is_for(roles, by.user_id) for step in one.tasks)
    return found
