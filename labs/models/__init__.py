"""Specimens and results as reported, disease assessments, reference ranges, the derived response, laboratory files."""

from labs.models.imports import ImportMapping, ImportRow, LabImport, LaboratoryToken
from labs.models.results import (
    SPECIMEN_STANDS,
    DiseaseAssessment,
    Laboratory,
    LabResult,
    ReferenceRange,
    ResponseAssessment,
    ResponseSignature,
    Specimen,
)

__all__ = [
    "SPECIMEN_STANDS",
    "DiseaseAssessment",
    "ImportMapping",
    "ImportRow",
    "LabImport",
    "LabResult",
    "Laboratory",
    "LaboratoryToken",
    "ReferenceRange",
    "ResponseAssessment",
    "ResponseSignature",
    "Specimen",
]
