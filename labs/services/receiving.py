"""Messages that laboratories send: every result waits in quarantine for the site, as the row of a file does."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from labs.fhir import read_bundle
from labs.hl7v2 import read_oru
from labs.incoming import text_of_message
from labs.mapping import FileMapping, Shape
from labs.models import LabImport, Laboratory, LaboratoryToken
from labs.selectors.imports import mapping_of
from labs.services.imports import Uploaded, store_rows
from labs.services.tokens import INTERFACE
from trialsite.access import Duty, system_actor
from trialsite.context import serving, writing

Source = LabImport.Source
_READERS = {Source.FHIR: read_bundle, Source.HL7: read_oru}


def receive_message(*, token: LaboratoryToken, at: datetime, source: LabImport.Source, content: bytes) -> Uploaded:
    """Take in the results of a message from the token's laboratory; the same message twice is one.

    Raises labs.files.Unreadable for what is no such message; then nothing is stored. The text is never stored.
    """
    message = _READERS[source](text_of_message(content), token.laboratory.site.time_zone)
    digest = sha256(content).hexdigest()
    by = system_actor(INTERFACE)
    with serving([token.site_id]), writing(by=by, duty=Duty.IMPORT_LABS, site_id=token.site_id, at=at):
        laboratory = Laboratory.objects.select_for_update().get(pk=token.laboratory_id, site_id=token.site_id)
        before = LabImport.objects.filter(laboratory=laboratory, sha256=digest)
        before = before.exclude(state=LabImport.State.CANCELLED)
        if (known := before.first()) is not None:
            return Uploaded(known, repeated=True)
        saved = mapping_of(laboratory)
        mapping = (FileMapping.from_json(saved.mapping) if saved else FileMapping(Shape.LONG)).for_messages()
        imported = LabImport.objects.create(
            site_id=token.site_id, laboratory=laboratory, source=source, token=token, sha256=digest,
            name=f"{source.label} {message.number}".strip(), mapping=mapping.as_json(), state=LabImport.State.REVIEW,
            uploaded_at=at, result_count=len(message.rows),
        )  # fmt: skip
        store_rows(imported, enumerate(message.rows, start=1), at)
        return Uploaded(imported)
