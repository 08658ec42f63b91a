"""Every data set that can be taken away, listed by room. A data set that is not listed here does not leave."""

from __future__ import annotations

import dosing.exports
import enrollment.exports
import followup.exports
import labs.exports
import safety.exports
import trialsite.exports
from reporting.selectors.computed import Computed
from reporting.selectors.efficacy import EFFICACY
from trialsite.exporting import Dataset

DATASETS: tuple[Dataset | Computed, ...] = (
    *trialsite.exports.DATASETS,
    *enrollment.exports.DATASETS,
    *labs.exports.DATASETS,
    *safety.exports.DATASETS,
    *dosing.exports.DATASETS,
    *followup.exports.DATASETS,
    EFFICACY,
)

BY_NAME: dict[str, Dataset | Computed] = {dataset.name: dataset for dataset in DATASETS}
