"""The protocol as a page: the sections that `protocol.document` prints, and what of it is confirmed by signature."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from protocol.document import sections
from protocol.schema import Parameter, Protocol
from protocol.versions import ORIGINAL, VERSIONS, is_later
from protocol.words import parameter_value
from trialsite.charts import state_diagram
from trialsite.http import SignedInRequest
from trialsite.models import ParameterConfirmation, ProtocolActivation
from trialsite.selectors import protocol_in_force


@dataclass(frozen=True)
class ParameterLine:
    """One parameter and its standing: stated by the source, confirmed by signature, or still open."""

    name: str
    parameter: Parameter
    confirmation: ParameterConfirmation | None

    @property
    def value(self) -> str:
        """The value in force in words, with its unit: as confirmed, else as the version declares it."""
        given = self.confirmation
        return f"{given.value} {given.unit}".strip() if given else parameter_value(self.parameter)

    @property
    def state(self) -> str:
        if self.confirmation is not None:
            return "signed"
        return "done" if self.parameter.confirmed else "due"


@dataclass(frozen=True)
class VersionLine:
    """One version and where it stands. `activation` None: the first version, or a draft."""

    trial: Protocol
    activation: ProtocolActivation | None
    standing: str


def parameter_lines(trial: Protocol) -> list[ParameterLine]:
    """Every parameter with its confirmation that holds; one query. Those that are still open come first."""
    newest = {one.name: one for one in ParameterConfirmation.objects.filter(protocol_version=trial.version)}
    given = {name: one for name, one in newest.items() if one.withdrawn_at is None}
    lines = [ParameterLine(name, parameter, given.get(name)) for name, parameter in trial.parameters.items()]
    return sorted(lines, key=lambda line: line.state != "due")


def version_lines(present: Protocol) -> list[VersionLine]:
    """Every version, newest first; one query."""
    activated = {one.version: one for one in ProtocolActivation.objects.filter(withdrawn_at=None)}
    newest_first = reversed(list(VERSIONS.values()))
    return [VersionLine(one, activated.get(one.version), _standing(one, present)) for one in newest_first]


def _standing(trial: Protocol, present: Protocol) -> str:
    if trial == present:
        return "In force"
    return "Draft" if is_later(trial.version, present.version) else "Earlier version"


@require_GET
def protocol(request: SignedInRequest) -> HttpResponse:
    """The version in force."""
    present = protocol_in_force()
    return _show(request, present, present)


@require_GET
def version(request: SignedInRequest, version: str) -> HttpResponse:
    """Any declared version; 404 for another."""
    if version not in VERSIONS:
        raise Http404
    return _show(request, VERSIONS[version], protocol_in_force())


def _show(request: SignedInRequest, trial: Protocol, present: Protocol) -> HttpResponse:
    lines = parameter_lines(trial)
    versions = version_lines(present)
    context = {
        "trial": trial,
        "sections": tuple(section for section in sections(trial) if section.heading != "Parameters"),
        "states": state_diagram(trial.transitions),
        "parameters": lines,
        "open": sum(1 for line in lines if line.state == "due"),
        "versions": versions,
        "line": next(line for line in versions if line.trial == trial),
        "is_first": trial == ORIGINAL,
    }
    return render(request, "trialsite/protocol.html", context)
