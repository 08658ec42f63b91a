"""The access log: who opened identifying data, or took an export away, and what exactly."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trialsite.access import Actor, Duty, check_may, role_for
from trialsite.models import AccessEntry, Site, Subject


@dataclass(frozen=True)
class Access:
    """What was opened. For an export also the number of rows and the SHA-256 of what left."""

    what: str
    site: Site | None = None
    subject: Subject | None = None
    rows: int | None = None
    sha256: str = ""


def note_access(*, by: Actor, at: datetime, duty: Duty, access: Access, request_id: str = "") -> AccessEntry:
    """Add a line to the access log. Runs inside the caller's `reading` or `writing`.

    PermissionDenied unless `by` holds `duty` there, so that nothing is opened first and asked about later.
    """
    site_id = access.site.pk if access.site else None
    check_may(by, duty, site_id, at)
    role = role_for(by, duty, site_id, at)
    return AccessEntry.objects.create(
        user_id=by.user_id,
        system_actor=by.system,
        role=role.value if role else "",
        site=access.site,
        subject=access.subject,
        what=access.what,
        rows=access.rows,
        sha256=access.sha256,
        request_id=request_id,
        at=at,
    )
