"""Jobs of this room. They take ids by keyword and can run twice without harm."""

from celery import shared_task

from labs.services import go_on_with_file
from trialsite import clock
from trialsite.models import OutboxMessage


@shared_task(name="labs.tasks.go_on_with_file")
def go_on_with_large_file(*, message_id: int, subject_id: int | None) -> None:
    """The next batch of a laboratory's large file: read, checked again, or imported."""
    message = OutboxMessage.objects.get(pk=message_id)
    go_on_with_file(
        at=clock.now(),
        site_id=message.site_id,
        import_id=int(message.payload["import"]),
        after={name: place for name, place in message.payload.items() if name != "import"},
    )
