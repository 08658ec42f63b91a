"""Jobs of this room. They can run twice without harm."""

from celery import shared_task

from followup import services
from trialsite import clock
from trialsite.context import coming_from


@shared_task(name="followup.tasks.sweep_reminders")
def sweep_reminders() -> dict[str, int]:
    """Send the reminders of the day, and complete follow-up that is over."""
    with coming_from("job sweep_reminders"):
        swept = services.sweep_reminders(clock.now())
    return {"sent": swept.sent, "skipped": swept.skipped, "completed": swept.completed, "failed": swept.failed}
