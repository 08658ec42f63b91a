"""Small numbers point at persons: who may not see the subjects is told how many there are in full fives, and no more.

Whatever is added to, and taken from, what is told on however many days counts fives.
"""

from __future__ import annotations

#: The smallest number of subjects that is told to everybody.
FEWEST = 5


def in_fives(number: int) -> str:
    """fewer than 5; 5 or more; 10 or more."""
    told = number // FEWEST * FEWEST
    return f"{told} or more" if told else f"fewer than {FEWEST}"
