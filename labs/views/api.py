"""The address to which laboratories send results: a token instead of a session, JSON instead of a page."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET

from labs.files import Unreadable
from labs.incoming import MOST_MESSAGE_BYTES
from labs.mapping import Part
from labs.models import ImportRow, LabImport
from labs.openapi import FHIR_TYPES, HL7_TYPES, document
from labs.selectors.imports import rows_of
from labs.services import check_token, receive_message
from labs.services.imports import Uploaded
from labs.services.tokens import INTERFACE
from trialsite import clock
from trialsite.access import system_actor
from trialsite.context import reading, serving

Source, D = LabImport.Source, ImportRow.Disposition
SOURCES = {**dict.fromkeys(FHIR_TYPES, Source.FHIR), **dict.fromkeys(HL7_TYPES, Source.HL7)}
#: In a minute: messages of one token, and wrong tokens from one address.
MOST_MESSAGES, MOST_WRONG_TOKENS, WINDOW = 120, 20, 60
#: What the laboratory is told of a result that differs: what the site has recorded is not shown to a sender.
DIFFERS = "This differs from what is recorded or was sent before. The site decides."


class Refusal(Exception):
    """The message is not taken: status and sentence."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


@csrf_exempt
@login_not_required
def api_lab_results(request: HttpRequest) -> JsonResponse:
    """Take in a FHIR bundle or an HL7 message; a receipt for each result."""
    if request.method != "POST":
        return _refused(405, "Only POST is answered here.", Allow="POST")
    try:
        return _received(request)
    except Refusal as refusal:
        extra = {401: {"WWW-Authenticate": "Bearer"}, 429: {"Retry-After": str(WINDOW)}}.get(refusal.status, {})
        return _refused(refusal.status, str(refusal), **extra)


@require_GET
@login_not_required
def api_document(request: HttpRequest) -> JsonResponse:
    """How results are sent, for the programmers of laboratories."""
    return JsonResponse(document())


def _received(request: HttpRequest) -> JsonResponse:
    at = clock.now()
    minute = int(at.timestamp()) // WINDOW
    sender = f"lab-wrong:{request.META.get('REMOTE_ADDR', '')}:{minute}"
    _check_rate(sender, MOST_WRONG_TOKENS)
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    token = check_token(secret=secret.strip(), at=at) if scheme.lower() == "bearer" and secret.strip() else None
    if token is None:
        _count(sender)
        raise Refusal(401, "The token is missing, unknown or revoked.")
    _check_rate(f"lab-token:{token.pk}:{minute}", MOST_MESSAGES)
    _count(f"lab-token:{token.pk}:{minute}")
    source = _source(request)
    try:
        uploaded = receive_message(token=token, at=at, source=source, content=_body(request))
    except Unreadable as problem:
        raise Refusal(400, str(problem)) from None
    with serving([token.site_id]), reading(system_actor(INTERFACE), at):
        return JsonResponse(_receipt(uploaded), status=200 if uploaded.repeated else 201)


def _source(request: HttpRequest) -> LabImport.Source:
    source = SOURCES.get((request.content_type or "").lower())
    if source is None or request.headers.get("Content-Encoding", "identity") != "identity":
        words = f"Send a FHIR bundle as {FHIR_TYPES[0]}, or HL7 v2 as {HL7_TYPES[0]}, not compressed. XML is not read."
        raise Refusal(415, words)
    return source


def _body(request: HttpRequest) -> bytes:
    """The body, read only if it says that it is small enough."""
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > MOST_MESSAGE_BYTES:
        raise Refusal(413, f"The message is larger than {MOST_MESSAGE_BYTES // 1024} KB. Send fewer results at once.")
    return request.body


def _check_rate(key: str, most: int) -> None:
    if int(cache.get(key, 0)) >= most:
        raise Refusal(429, "Too many messages in a minute. Wait and send again.")


def _count(key: str) -> None:
    """One more in the minute that the key names."""
    if not cache.add(key, 1, 2 * WINDOW):
        cache.set(key, int(cache.get(key, 0)) + 1, 2 * WINDOW)


def _receipt(uploaded: Uploaded) -> dict[str, object]:
    imported = uploaded.imported
    return {
        "receipt": imported.pk,
        "laboratory": imported.laboratory.name,
        "received_at": imported.uploaded_at.isoformat(),
        "repeated": uploaded.repeated,
        "results": [_result(row) for row in rows_of(imported)],
    }


def _result(row: ImportRow) -> dict[str, object]:
    parts: dict[str, str] = row.received["parts"]
    return {
        "place": row.line,
        "subject": parts.get(Part.SUBJECT, ""),
        "test": parts.get(Part.TEST, ""),
        "accession": parts.get(Part.ACCESSION, ""),
        "analyte": row.analyte,
        "disposition": row.disposition,
        "state": "settled" if row.settled_at else "waiting",
        "message": DIFFERS if row.disposition == D.CONFLICTING else row.words if row.disposition == D.REJECTED else "",
    }


def _refused(status: int, words: str, **headers: str) -> JsonResponse:
    return JsonResponse({"error": words}, status=status, headers=headers)
