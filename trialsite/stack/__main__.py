"""`python -m trialsite.stack`: run the demonstration until Ctrl-C."""

import argparse
import signal
import sys
import time
from pathlib import Path

from trialsite.stack.demonstration import CHECKOUT, Demonstration, interrupt, say
from trialsite.stack.problems import Problem

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def port(text: str) -> int:
    """A port number that a web site can have."""
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: give a number from 1 to 65535")
    return int(text)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/demo", description="Run the demonstration trial on this machine; Ctrl-C stops it."
    )
    parser.add_argument("--port", type=port, default=8000, help="port of the web site on localhost (8000)")
    parser.add_argument("--reset", action="store_true", help="forget all data and start anew")
    parser.add_argument("--empty", action="store_true", help="do not load the demonstration trial")
    parser.add_argument("--home", type=Path, default=CHECKOUT / ".demo", help="where the data is kept (.demo)")
    return parser.parse_args()


def preparation(options: argparse.Namespace) -> list[str]:
    """Options of `manage.py prepare`."""
    wanted = {"--reset": options.reset, "--demonstration": not options.empty}
    return [name for name, chosen in wanted.items() if chosen]


def main() -> int:
    options = arguments()
    for signum in STOPPING:
        signal.signal(signum, interrupt)
    demonstration = Demonstration(options.port, options.home.resolve())
    began = time.monotonic()
    try:
        demonstration.claim()
        if options.reset:
            demonstration.forget()
        demonstration.begin(preparation(options))
        say(f"\nReady after {time.monotonic() - began:.1f} s: {demonstration.url}\n")
        say(demonstration.accounts())
        say("Ctrl-C stops everything; the data stays for the next start.")
        demonstration.watch()
    except Problem as problem:
        print(problem, file=sys.stderr, flush=True)
        return problem.status
    except KeyboardInterrupt:
        say("\nStopping.")
    finally:
        for signum in STOPPING:
            signal.signal(signum, signal.SIG_IGN)
        demonstration.end()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
