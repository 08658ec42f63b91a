"""Every data set that can be taken away, listed by room. A data set that is not listed here does not leave."""

from __future__ import annotations

from datetime import datetime

import dosing.exports
import enrollment.exports
import followup.exports
import labs.exports
import safety.exports
import trialsite.exports
from reporting.courses import M_SPIKE_CHANGES
from reporting.selectors.abstract import ABSTRACT_STATEMENTS, ABSTRACT_TABLE
from reporting.selectors.computed import Computed
from reporting.selectors.efficacy_file import EFFICACY
from reporting.selectors.enrolment import ENROLMENT
from reporting.selectors.safety_files import SAFETY_FILES
from reporting.selectors.screening_log import SCREENING_LOG
from reporting.selectors.sdv import SOURCE_STATE
from reporting.selectors.timeliness import TIMELINESS
from trialsite.access import Actor, Duty, can_anywhere
from trialsite.exporting import Dataset

DATASETS: tuple[Dataset | Computed, ...] = (
    *trialsite.exports.DATASETS,
    *enrollment.exports.DATASETS,
    *labs.exports.DATASETS,
    *safety.exports.DATASETS,
    *dosing.exports.DATASETS,
    *followup.exports.DATASETS,
    ENROLMENT,
    EFFICACY,
    *SAFETY_FILES,
    M_SPIKE_CHANGES,
    ABSTRACT_TABLE,
    ABSTRACT_STATEMENTS,
    TIMELINESS,
    SCREENING_LOG,
    SOURCE_STATE,
)

BY_NAME: dict[str, Dataset | Computed] = {dataset.name: dataset for dataset in DATASETS}

#: Data sets for which exporting is not enough.
NEEDS: dict[str, Duty] = {"audit_events": Duty.VIEW_AUDIT}


def datasets_for(by: Actor, at: datetime) -> tuple[Dataset | Computed, ...]:
    """What this person may take away."""
    return tuple(one for one in DATASETS if one.name not in NEEDS or can_anywhere(by, NEEDS[one.name], at))
