"""Jobs of this room. They can run twice without harm."""

from celery import shared_task

from safety.services.escalation import sweep_clocks as sweep
from trialsite import clock
from trialsite.context import coming_from


@shared_task(name="safety.tasks.sweep_clocks")
def sweep_clocks() -> dict[str, int]:
    """Tell those who have to act of every reporting clock that reached a step."""
    with coming_from("job sweep_clocks"):
        swept = sweep(clock.now())
    return {"sent": swept.sent, "skipped": swept.skipped, "failed": swept.failed}
