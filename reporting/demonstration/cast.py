"""Who works in the demonstration trial. All names are invented."""

from __future__ import annotations

from dataclasses import dataclass

from trialsite.models import Role

#: The password of every demonstration account. Production refuses to load the demonstration.
PASSWORD = "anakinra every morning"  # noqa: S105
CENTRE = "Coordinating centre"


@dataclass(frozen=True)
class Place:
    code: str
    name: str
    time_zone: str
    phone: str


@dataclass(frozen=True)
class Member:
    """One person with one role at one site; "00" is the coordinating centre."""

    username: str
    printed_name: str
    role: Role
    site: str

    @property
    def email(self) -> str:
        return f"{self.username}@example.org"


PLACES = (
    Place("01", "Lakeside Medical Center", "America/Chicago", "+1 507 555 0101"),
    Place("02", "Northfield University Hospital", "America/New_York", "+1 212 555 0102"),
    Place("03", "Harbor Clinic", "America/Los_Angeles", "+1 206 555 0103"),
)
ADMIN = Member("ruth.adler", "Ruth Adler", Role.ADMIN, "00")
MEMBERS = (
    Member("mary.okafor", "Mary Okafor", Role.COORDINATOR, "01"),
    Member("anna.lindqvist", "Dr Anna Lindqvist", Role.INVESTIGATOR, "01"),
    Member("tom.becker", "Tom Becker", Role.COORDINATOR, "02"),
    Member("rafael.ortiz", "Dr Rafael Ortiz", Role.INVESTIGATOR, "02"),
    Member("june.park", "June Park", Role.COORDINATOR, "03"),
    Member("helen.frost", "Dr Helen Frost", Role.INVESTIGATOR, "03"),
    Member("dana.weiss", "Dana Weiss", Role.DATA_MANAGER, "00"),
    Member("paul.moreau", "Paul Moreau", Role.MONITOR, "00"),
    Member("lena.hart", "Lena Hart", Role.STATISTICIAN, "00"),
)
