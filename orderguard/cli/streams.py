"""Standard output and standard error, whoever listens: in any encoding, on a full disk, to a pipe that nobody reads on."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from io import TextIOWrapper


class _Told(TextIOWrapper):
    """Standard output: once its reader has gone (`| head`) it leads nowhere, and the command ends with its own exit code."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except BrokenPipeError:
            to_nowhere(self)
        return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except BrokenPipeError:
            to_nowhere(self)


class _Heedless(TextIOWrapper):
    """Standard error on a full disk or a pipe that nobody reads: what cannot be told must not change what is done, nor the exit code."""

    def write(self, text: str) -> int:
        with suppress(OSError):
            super().write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            super().flush()


def to_nowhere(stream: TextIOWrapper) -> None:
    """From here on nothing arrives, what waits neither, and nothing is refused."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def speakable() -> None:
    """Chinese on any standard output: a terminal's unknown letters are spelled out, a pipe or file gets UTF-8.

    Without it a terminal of ASCII or Latin-1 ends a scan with an error after its work was done.
    """
    for name in ("stdout", "stderr"):
        if (
            getattr(sys, name) is None
        ):  # closed by whoever called: nobody listens, and no file of ours may take its place
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    if type(sys.stderr) is TextIOWrapper:
        told = sys.stderr
        sys.stderr = _Heedless(told.detach(), encoding=told.encoding, errors="backslashreplace", line_buffering=True)
    if type(sys.stdout) is TextIOWrapper:
        told, lines = sys.stdout, sys.stdout.line_buffering
        sys.stdout = _Told(told.detach(), encoding=told.encoding, errors=told.errors, line_buffering=lines)
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, TextIOWrapper):
            continue
        try:
            "订✓".encode(stream.encoding)
        except UnicodeEncodeError:
            chinese = stream.encoding.lower().startswith(("gb", "cp936", "big5"))
            if chinese or stream.isatty():
                stream.reconfigure(errors="backslashreplace")
            else:
                stream.reconfigure(encoding="utf-8")


def unheard() -> bool:
    """Whether standard output takes nothing more (a full disk); what waits for it is given up."""
    try:
        sys.stdout.write("\n")
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False
