"""Child processes that are stopped in order, and that do not outlive a killed parent."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from time import monotonic

from trialsite.stack.account import Account, switch
from trialsite.stack.problems import Problem

PR_SET_PDEATHSIG = 1
# Loaded before any fork: nothing may be imported or allocated at leisure between fork and exec.
LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with(parent: int, signum: int) -> Callable[[], None]:
    """Code for the child, run after it took its account and before it becomes the program.

    The order matters: the kernel forgets the death signal when a process changes its user.
    Linux only; elsewhere the next start stops what was left behind.
    """

    def prepare() -> None:
        if LIBC is not None:
            LIBC.prctl(PR_SET_PDEATHSIG, signum)
            if os.getppid() != parent:
                os._exit(1)

    return prepare


def fork(work: Callable[..., None], *given: object) -> BaseProcess:
    """A started copy of this process that does `work`; it does not outlive this one.

    `die_with` holds for the thread that forks: that has to be one that lives as long as the process.
    """
    bound = die_with(os.getpid(), signal.SIGKILL)
    forked = get_context("fork").Process(target=_bound, args=(bound, work, given))
    forked.start()
    return forked


def _bound(bind: Callable[[], None], work: Callable[..., None], given: tuple[object, ...]) -> None:
    bind()
    work(*given)


@dataclass
class Child:
    """A running program, the signal that asks it to end, and when it was asked."""

    name: str
    process: subprocess.Popen[bytes]
    stop_signal: signal.Signals
    asked_at: float | None = None

    def ended(self) -> bool:
        return self.process.poll() is not None

    def cause(self) -> str:
        """Why it ended, in words."""
        code = self.process.returncode
        if code is not None and code < 0:
            return f"{self.name} was killed by {signal.Signals(-code).name}"
        return f"{self.name} ended with status {code}"

    def ask(self) -> None:
        """Send the signal that asks it to end, and do not wait."""
        if not self.ended():
            self.process.send_signal(self.stop_signal)
            self.asked_at = monotonic()

    def stop(self, patience: float = 10.0) -> None:
        """Ask unless that was done, wait until `patience` seconds after, then end whatever is left of its group."""
        if self.asked_at is None:
            self.ask()
        if self.asked_at is not None and not self.ended():
            try:
                self.process.wait(max(0.0, self.asked_at + patience - monotonic()))
            except subprocess.TimeoutExpired:
                self.kill()
        self.sweep()

    def kill(self) -> None:
        """End it at once, and all that it started."""
        self.sweep()
        self.process.wait()

    def sweep(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)


def start(
    name: str,
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    log: Path | None,
    stop_signal: signal.Signals = signal.SIGTERM,
    account: Account | None = None,
    directory: Path | None = None,
    text: str | None = None,
) -> Child:
    """Start `command` in a session of its own, so that Ctrl-C at the terminal reaches the supervisor alone.

    Without `log` it prints to the terminal. `text` is handed to its standard input, which keeps passwords
    out of the process list.
    """
    output = log.open("ab") if log else None
    try:
        process = subprocess.Popen(  # noqa: S603
            [str(part) for part in command],
            stdin=subprocess.PIPE if text is not None else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            env=dict(environment),
            cwd=directory,
            start_new_session=True,
            preexec_fn=die_with(os.getpid(), stop_signal),
            **switch(account),
        )
    except OSError as error:
        raise Problem(f"{name} cannot be started: {error.strerror or error} ({command[0]}).") from error
    finally:
        if output:
            output.close()
    if text is not None and process.stdin:
        process.stdin.write(text.encode())
        process.stdin.close()
    return Child(name, process, stop_signal)
