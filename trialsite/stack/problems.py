"""What the launcher says when it cannot go on."""


class Problem(Exception):
    """One sentence for the person at the terminal; `status` is the exit status that goes with it."""

    def __init__(self, sentence: str, status: int = 1) -> None:
        super().__init__(sentence)
        self.status = status
