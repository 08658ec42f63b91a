"""The protocol as a page: the sections that `protocol.document` prints, and what of it is confirmed by signature."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from protocol.document import sections
from protocol.schema import Parameter
from protocol.trial import TRIAL
from trialsite.charts import state_diagram
from trialsite.http import SignedInRequest
from trialsite.models import ParameterConfirmation


@dataclass(frozen=True)
class ParameterLine:
    """One parameter and its standing: stated by the source, confirmed by signature, or still open."""

    name: str
    parameter: Parameter
    confirmation: ParameterConfirmation | None

    @property
    def state(self) -> str:
        if self.confirmation is not None:
            return "signed"
        return "done" if self.parameter.confirmed else "due"


def parameter_lines() -> list[ParameterLine]:
    """Every parameter with its newest confirmation; one query. Those that are still open come first."""
    given = {one.name: one for one in ParameterConfirmation.objects.filter(protocol_version=TRIAL.version)}
    lines = [ParameterLine(name, parameter, given.get(name)) for name, parameter in TRIAL.parameters.items()]
    return sorted(lines, key=lambda line: line.state != "due")


@require_GET
def protocol(request: SignedInRequest) -> HttpResponse:
    lines = parameter_lines()
    shown = tuple(section for section in sections(TRIAL) if section.heading != "Parameters")
    context = {
        "trial": TRIAL,
        "sections": shown,
        "states": state_diagram(TRIAL.transitions),
        "parameters": lines,
        "open": sum(1 for line in lines if line.state == "due"),
    }
    return render(request, "trialsite/protocol.html", context)
