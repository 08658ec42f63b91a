"""Codes that laboratories send: LOINC for what was measured, UCUM for its unit. Exact codes only; none is guessed.

Sources: clinical specification section 3 for the first code of each analyte (`analytes.py`); LOINC 2.78 (Regenstrief
Institute, loinc.org/license) for the other codes of the same quantity; UCUM 2.2 (ucum.org) for the spellings of a
unit. A code for another quantity is left out on purpose: plain C-reactive protein (1988-5) is not the
high-sensitivity one, and free light chains by another method (80515-0, 80516-8) are not set beside the former ones
without a person.
"""

from collections.abc import Mapping

from protocol.vocabulary import Analyte

LOINC_SYSTEM = "http://loinc.org"
UCUM_SYSTEM = "http://unitsofmeasure.org"

#: Codes besides the first one: the same quantity as moles, or counted without naming the method.
OTHER_LOINC: Mapping[str, Analyte] = {
    "26464-8": Analyte.WBC,
    "26499-4": Analyte.ANC,
    "26474-7": Analyte.LYMPH,
    "26484-6": Analyte.MONO,
    "26449-9": Analyte.EOS,
    "26444-0": Analyte.BASO,
    "26515-7": Analyte.PLT,
    "59260-0": Analyte.HB,
    "20570-8": Analyte.HCT,
    "14682-9": Analyte.CREATININE,
    "2000-8": Analyte.CALCIUM,
    "14631-6": Analyte.BILIRUBIN,
    "14749-6": Analyte.GLUCOSE,
    "14771-0": Analyte.GLUCOSE_FASTING,
    "14933-6": Analyte.URATE,
    "14937-7": Analyte.BUN,
    "14879-1": Analyte.PHOSPHATE,
}

#: Spellings of one unit that UCUM itself holds equal, or annotates -> the code of `units.FACTORS`.
UCUM: Mapping[str, str] = {
    "10*3/ul": "10*3/uL",
    "10*3/mm3": "10*3/uL",
    "{cells}/uL": "/uL",
    "10*6/L": "/uL",
    "mL/(24.h)": "mL",
    "mL/d": "mL",
    "L/(24.h)": "L",
    "L/d": "L",
    "{ratio}": "1",
    "{index}": "1",
}
