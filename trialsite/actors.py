"""From an account to an actor: reads the person's own lines of the delegation log."""

from __future__ import annotations

from django.db import connection, transaction
from django.db.models import Subquery

from protocol.versions import ORIGINAL
from trialsite.access import ALL_SITES, SITE_STAFF, Actor, Grant
from trialsite.models import Delegation, ProtocolActivation, Role, User
from trialsite.people_selectors import trained_on

_IN_FORCE = ProtocolActivation.objects.filter(withdrawn_at=None).order_by("-id").values("version")[:1]


def actor_for(user: User) -> Actor:
    """The person with every line of the delegation log, past and future, and the training that counts; two queries.

    Row security shows a person the own lines before any site is in reach.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('app.reader', %s, true)", [str(user.pk)])
        lines = list(Delegation.objects.filter(user=user).select_related("site").annotate(in_force=Subquery(_IN_FORCE)))
        cursor.execute("SELECT set_config('app.reader', '', true)")
    grants = tuple(
        Grant(
            role=Role(line.role),
            site_id=ALL_SITES if line.site.is_coordinating_centre else line.site_id,
            starts_on=line.starts_on,
            ends_on=line.ends_on,
            time_zone=line.site.time_zone,
        )
        for line in lines
    )
    version = (lines[0].in_force if lines else None) or ORIGINAL.version
    at_a_site = [grant for grant in grants if grant.role in SITE_STAFF]
    return Actor(
        printed_name=user.printed_name,
        user_id=user.pk,
        grants=grants,
        protocol_version=version,
        trained_on=trained_on(user, version) if at_a_site else None,
    )
