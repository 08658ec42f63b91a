"""Every version of the protocol, oldest first. An amendment declares what it changes; all else stays as it was.

The first version is the trial as it was registered. An amendment is a draft until an investigator activates it by
signature, and a subject stays on the version that was consented to. The dictionary of results (analytes, units,
panels) is one for all versions: a stored value never changes its unit.
"""

from collections.abc import Mapping
from dataclasses import replace

from protocol.schema import Parameter, Protocol
from protocol.trial import TRIAL
from protocol.vocabulary import CriteriaVersion, NadirMode


class UnknownVersion(LookupError):
    """No protocol of that version is declared."""


def _with(parameters: Mapping[str, Parameter], **values: str) -> Mapping[str, Parameter]:
    """The parameters with other values; what an amendment states needs no confirmation beside its activation."""
    changed = {
        name: replace(parameters[name], value=value, source="Amendment, activated by signature", confirmed=True)
        for name, value in values.items()
    }
    return {**parameters, **changed}


ORIGINAL = TRIAL

#: Clinical choices that the sources leave open: which response criteria, how far apart confirming samples lie, and
#: from which lowest value progression is measured.
AMENDMENT_1 = replace(
    TRIAL,
    version="2.0",
    amendment="Response criteria IMWG 2011 in place of IMWG 2016; the sample that confirms a response is drawn at "
    "least 42 days after the first, as EBMT 1998 asks; the nadir is the lowest value that a second sample confirms",
    config=replace(
        TRIAL.config,
        criteria_version=CriteriaVersion.IMWG2011,
        confirmation_min_days=42,
        nadir_mode=NadirMode.LOWEST_CONFIRMED,
    ),
    parameters=_with(
        TRIAL.parameters, criteria_version="IMWG2011", confirmation_min_days="42", nadir_mode="LOWEST_CONFIRMED"
    ),
)

#: By version, in the order in which they may be activated.
VERSIONS: Mapping[str, Protocol] = {one.version: one for one in (ORIGINAL, AMENDMENT_1)}


def named(version: str) -> Protocol:
    """The protocol of that version. UnknownVersion if none is declared."""
    try:
        return VERSIONS[version]
    except KeyError:
        raise UnknownVersion(f"No protocol version {version} is declared.") from None


def is_later(version: str, than: str) -> bool:
    """True if the version comes after the other in the order of declaration."""
    order = list(VERSIONS)
    return order.index(version) > order.index(than)


def slot_label(code: str) -> str:
    """The words for a visit of the schedule, the same in every version that has it; the code where none has."""
    slots = (slot for version in VERSIONS.values() for slot in version.schedule)
    return next((slot.label for slot in slots if slot.code == code), code)
