"""docs/permissions.md: role by duty, from the one table that the program asks."""

from __future__ import annotations

from reporting.documents.markdown import page, table
from trialsite.access import CONFLICTING_ROLES, DUTIES, SYSTEM_ACTORS
from trialsite.models import Role

INTRO = (
    "Made from `trialsite.access` by `manage.py generate_docs`. A role holds at one site, or at the coordinating "
    "centre for all sites, and between two days. Everything that is not marked is refused."
)


def permissions() -> str:
    head = ("Duty", *(role.label for role in Role))
    rows = [(duty.value, *("yes" if role in held else "" for role in Role)) for duty, held in DUTIES.items()]
    pairs = [(" and ".join(sorted(Role(role).label for role in pair)),) for pair in CONFLICTING_ROLES]
    system = [
        (name, "; ".join(duty.value for duty in sorted(duties, key=list(DUTIES).index)))
        for name, duties in SYSTEM_ACTORS.items()
    ]
    return page(
        "Who may do what",
        INTRO,
        table(head, rows),
        "## Roles that nobody holds together\n\n" + table(("Roles",), pairs),
        "## System actors\n\nJobs and commands act under these names, with these duties and no others.\n\n"
        + table(("Name", "Duties"), system),
    )
