"""Medication that the protocol does not allow beside its own (clinical specification 1.8). It asks, it never blocks."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class ProhibitedClass:
    """One class of drugs: names and brand names by which one is recognised, and why it is not allowed."""

    code: str
    label: str
    why: str
    source: str
    names: tuple[str, ...]
    is_anti_myeloma: bool = False


PROHIBITED: tuple[ProhibitedClass, ...] = (
    ProhibitedClass(
        "TNF",
        "TNF blocker",
        "together with anakinra it raises the risk of serious infection",
        "anakinra label",
        ("etanercept", "infliximab", "adalimumab", "certolizumab", "golimumab",
         "enbrel", "erelzi", "eticovo", "remicade", "inflectra", "renflexis", "avsola", "humira", "cimzia", "simponi"),
    ),
    ProhibitedClass(
        "IL1",
        "other IL-1 blocker",
        "it acts on the same target as anakinra",
        "anakinra label",
        ("canakinumab", "rilonacept", "ilaris", "arcalyst", "kineret"),
    ),
    ProhibitedClass(
        "ANTI_MYELOMA",
        "anti-myeloma therapy",
        "responses after its first day no longer count",
        "registry, exclusion criteria",
        ("thalidomide", "lenalidomide", "pomalidomide", "bortezomib", "carfilzomib", "ixazomib", "daratumumab",
         "isatuximab", "elotuzumab", "melphalan", "cyclophosphamide", "panobinostat", "selinexor", "venetoclax",
         "teclistamab", "belantamab", "thalomid", "revlimid", "pomalyst", "velcade", "kyprolis", "darzalex"),
        is_anti_myeloma=True,
    ),
    ProhibitedClass(
        "LIVE_VACCINE",
        "live vaccine",
        "live vaccines are not given under anakinra",
        "anakinra label",
        ("live vaccine", "mmr", "varicella vaccine", "yellow fever vaccine", "zostavax", "flumist", "bcg vaccine"),
    ),
    ProhibitedClass(
        "STEROID",
        "systemic steroid other than the study's dexamethasone",
        "it acts on the M-protein and on hs-CRP",
        "proposed, not confirmed by the study owner",
        ("prednisone", "prednisolone", "methylprednisolone", "dexamethasone", "hydrocortisone", "medrol"),
    ),
    ProhibitedClass(
        "IMMUNOSUPPRESSANT",
        "immunosuppressant",
        "it acts on the M-protein and on hs-CRP",
        "proposed, not confirmed by the study owner",
        ("azathioprine", "methotrexate", "ciclosporin", "cyclosporine", "tacrolimus", "mycophenolate", "sirolimus",
         "leflunomide", "tocilizumab", "rituximab", "abatacept", "tofacitinib"),
    ),
)  # fmt: skip


def prohibited(name: str) -> ProhibitedClass | None:
    """The class that a medication belongs to by its name as typed, None if no name of the table is in it."""
    typed = name.lower()
    for one in PROHIBITED:
        if any(re.search(rf"\b{re.escape(known)}\b", typed) for known in one.names):
            return one
    return None
