"""Jobs of the spine."""

from celery import shared_task

from trialsite import clock, failures, mail, outbox
from trialsite.context import coming_from


@shared_task(name="trialsite.tasks.drain_outbox")
def drain_outbox() -> dict[str, int]:
    """Handle what waits in the outbox, then send what waits to be mailed. Safe to run twice, or at once."""
    return drain_everything()


def drain_everything() -> dict[str, int]:
    """What the beat does every few seconds and `manage.py drain_outbox` does by hand."""
    with coming_from("job drain_outbox"):
        handled = outbox.drain(clock.now())
        failures.tell_administrators(clock.now())
        return {"handled": handled, "sent": mail.send_waiting(clock.now())}
