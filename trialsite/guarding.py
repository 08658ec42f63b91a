"""Migration operations that put tables under audit and row level security."""

from __future__ import annotations

from pathlib import Path

from django.db.migrations import RunSQL

SQL = Path(__file__).parent / "sql"


def script(name: str) -> RunSQL:
    """Run one of the scripts in trialsite/sql. Forward only: an audit trail is not taken down again."""
    return RunSQL((SQL / name).read_text(), RunSQL.noop)


def guard(
    *tables: str,
    scope: str = "site",
    rights: str = "add and change",
    silent: tuple[str, ...] = (),
    secret: tuple[str, ...] = (),
    bulky: tuple[str, ...] = (),
    audit: str = "audited",
) -> list[RunSQL]:
    """Audit the tables and, unless scope is "open", hide rows of other sites.

    scope: "site" (column site_id), "person" (site, or the row's own user_id), "open" (no site column).
    rights of the application: "add" or "add and change"; it never deletes.
    silent: columns whose change is no event. secret: columns whose change is an event that does not show them.
    bulky: derived columns of which the event keeps the SHA-256 instead of a copy.
    audit: "audited", or "exempt" for a table that is itself a log.
    """
    lists = ", ".join("'{" + ",".join(columns) + "}'" for columns in (silent, secret, bulky))
    flags = f"{rights == 'add'}, {audit == 'audited'}".lower()
    return [
        RunSQL(f"SELECT edc_guard('{table}'::regclass, '{scope}', {lists}, {flags})", RunSQL.noop) for table in tables
    ]


def tie_to_parents(*tables: str) -> list[RunSQL]:
    """Add the composite foreign keys (id, site_id) from these tables to their guarded parents."""
    return [RunSQL(f"SELECT edc_tie_to_parents('{table}'::regclass)", RunSQL.noop) for table in tables]
