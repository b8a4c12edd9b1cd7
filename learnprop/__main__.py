"""The command ``learnprop``, and ``python -m learnprop``: a Ctrl-C is one line from the start."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
from types import FrameType


def main() -> None:
    """Load the command line and run it.

    While it loads nothing is open and nothing written, and compiled code may swallow an exception:
    an interruption ends the process there and then, with status 3.
    """
    # What loads stays: to look for garbage among it takes a tenth of the time of ``--help``.
    gc.disable()
    if (
        threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    ):
        signal.signal(signal.SIGINT, _leave)
        try:
            from learnprop.cli import main as run
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
    else:  # under ``nohup`` it is ignored
        from learnprop.cli import main as run
    gc.freeze()
    gc.enable()
    run()


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.stderr.write("interrupted\n")
    sys.stderr.flush()
    os._exit(3)


if __name__ == "__main__":
    main()
