"""From an account to an actor: reads the person's own lines of the delegation log."""

from __future__ import annotations

from django.db import connection, transaction

from trialsite.access import ALL_SITES, Actor, Grant
from trialsite.models import Delegation, Role, User


def actor_for(user: User) -> Actor:
    """The person with every line of the delegation log, past and future; two queries.

    Row security shows a person the own lines before any site is in reach.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.reader', %s, true)", [str(user.pk)])
        lines = list(Delegation.objects.filter(user=user).select_related("site"))
        cursor.execute("SELECT set_config('app.reader', '', true)")
    grants = tuple(
        Grant(
            role=Role(line.role),
            site_id=ALL_SITES if line.site.is_coordinating_centre else line.site_id,
            starts_on=line.starts_on,
            ends_on=line.ends_on,
        )
        for line in lines
    )
    return Actor(printed_name=user.printed_name, user_id=user.pk, grants=grants)
