# Copyright 2026 The fewmult-hls authors
# SPDX-License-Identifier: Apache-2.0
"""Where the command ``fewmult-hls`` and ``python -m fewmult_hls`` begin.

Python's own way with an interrupt is a traceback. This file imports nothing before it has changed
that: while modules load, an interrupt just ends the process, and nothing is lost.
"""


def main() -> None:
    """Runs the command and exits."""
    import _signal  # type: ignore[import-not-found]  # what ``signal`` wraps, at no time

    if _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)
    from fewmult_hls.cli import main as run

    run()


if __name__ == "__main__":
    main()
