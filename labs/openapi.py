"""The OpenAPI document of the address to which laboratories send results."""

from __future__ import annotations

from typing import Any

from labs.incoming import MOST_MESSAGE_BYTES, MOST_RESULTS
from labs.models import ImportRow
from protocol.trial import TRIAL

RESULTS = "/api/labs/results/"
FHIR_TYPES = ("application/fhir+json", "application/json")
HL7_TYPES = ("application/hl7-v2", "x-application/hl7-v2+er7")

_DESCRIPTION = (
    f"Results of one laboratory for {TRIAL.id}. What is sent waits in quarantine: the site looks at it and "
    "imports it. A subject is matched by the number of the trial, year of birth and sex, or the result is "
    "rejected. A test is known by its LOINC code or a code that the site has matched, a unit by UCUM; "
    "what is unknown is rejected, never guessed. The same message twice is taken once. Corrected, "
    "cancelled and withdrawn results become versions when the site imports them."
)

_STATUSES = {
    "400": "The message cannot be read; nothing of it was taken.",
    "401": "The token is missing, unknown or revoked.",
    "405": "Only POST is answered.",
    "413": "The message is too large.",
    "415": "The content type is not read here.",
    "429": "Too many messages; Retry-After says how many seconds to wait.",
}


def document() -> dict[str, Any]:
    """OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {"title": f"Laboratory results, {TRIAL.id}", "version": "1.0.0", "description": _DESCRIPTION},
        "paths": {RESULTS: {"post": _operation()}},
        "components": {
            "securitySchemes": {"laboratoryToken": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Receipt": _receipt(), "Result": _result(), "Refusal": _refusal()},
        },
    }


def _operation() -> dict[str, Any]:
    size = f"At most {MOST_MESSAGE_BYTES // 1024} KB in UTF-8 and {MOST_RESULTS:,} results."
    bundle = {"type": "object", "properties": {"resourceType": {"const": "Bundle"}}, "required": ["resourceType"]}
    bodies = {kind: {"schema": bundle} for kind in FHIR_TYPES}
    bodies |= {kind: {"schema": {"type": "string"}} for kind in HL7_TYPES}
    return {
        "operationId": "sendResults",
        "summary": "Send a FHIR R4 Bundle or an HL7 v2 ORU^R01",
        "security": [{"laboratoryToken": []}],
        "requestBody": {"required": True, "description": size, "content": bodies},
        "responses": {
            "201": _answer("Every result was taken into quarantine or rejected, each with its sentence.", "Receipt"),
            "200": _answer("This very message was taken before; the receipt says what stands now.", "Receipt"),
            **{status: _answer(words, "Refusal") for status, words in _STATUSES.items()},
        },
    }


def _answer(words: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": words, "content": content}


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


def _receipt() -> dict[str, Any]:
    return _closed(
        {
            "receipt": {"type": "integer"},
            "laboratory": {"type": "string"},
            "received_at": {"type": "string", "format": "date-time"},
            "repeated": {"type": "boolean"},
            "results": {"type": "array", "items": {"$ref": "#/components/schemas/Result"}},
        }
    )


def _result() -> dict[str, Any]:
    text = {"type": "string"}
    return _closed(
        {
            "place": {"type": "integer", "description": "Entry of the bundle or segment of the message, from 1."},
            "subject": text,
            "test": {"type": "string", "description": "Code as sent."},
            "accession": text,
            "analyte": {"type": "string", "description": "Analyte of the trial; empty if not known."},
            "disposition": {"type": "string", "enum": list(ImportRow.Disposition.values)},
            "state": {"type": "string", "enum": ["waiting", "settled"]},
            "message": {"type": "string", "description": "Why, in a sentence; empty if there is nothing to say."},
        }
    )


def _refusal() -> dict[str, Any]:
    return _closed({"error": {"type": "string", "description": "What was wrong, in a sentence."}})
