"""Sends notices through apprise: side by side, with retries, and never longer than a cap."""

from __future__ import annotations

import logging
import threading
from importlib import import_module
from queue import Empty, SimpleQueue
from time import monotonic
from typing import TYPE_CHECKING, Any, NamedTuple

from orderguard.errors import printable
from orderguard.outbox.sms import SCHEMES, send_sms

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from orderguard.outbox.targets import Target

CAP_SECONDS = 20.0
TRIES = 3
_PAUSES = (0.5, 2.0)
_CONNECT, _READ = 4.0, 15.0
"""A slow server is waited for rather than asked twice: a second try would be a second message."""

_AT_ONCE = 16


class Letter(NamedTuple):
    """One message to one target; `key` is the sender's own, `facts` its figures by name, for templates of text messages."""

    key: Hashable
    target: Target
    title: str
    body: str
    facts: Mapping[str, Any] = {}


class Outcome(NamedTuple):
    """What became of a letter: whether it was taken, after how many tries, and what was said if not."""

    key: Hashable
    sent: bool
    tries: int
    said: str


def send_all(letters: Sequence[Letter], cap: float = CAP_SECONDS) -> list[Outcome]:
    """Send every letter; what has no answer when the cap is reached counts as not sent.

    Threads do the sending, so that a target that hangs delays no other; they are abandoned at the cap.

    Args:
        letters: what to send.
        cap: seconds for all of them together.

    Returns:
        One outcome a letter, in the order of `letters`.
    """
    if not letters:
        return []
    import_module("apprise")  # here, once: side by side its plug-ins do not load whole
    heard = _Hearing()
    log = logging.getLogger("apprise")
    log.addHandler(heard)
    log.propagate = False  # apprise's own words may hold addresses with secrets
    done: SimpleQueue[Outcome] = SimpleQueue()
    until = monotonic() + cap
    gate = threading.Semaphore(_AT_ONCE)
    tried: dict[Hashable, int] = {}
    for letter in letters:
        work = (letter, done, until, gate, heard, tried)
        threading.Thread(target=_deliver, args=work, daemon=True).start()
    outcomes: dict[Hashable, Outcome] = {}
    while len(outcomes) < len(letters):
        try:
            outcome = done.get(timeout=max(0.0, until - monotonic()))
        except Empty:
            break
        outcomes[outcome.key] = outcome
    log.removeHandler(heard)
    late = f"no answer within {cap:g} s"
    return [outcomes.get(x.key, Outcome(x.key, sent=False, tries=tried.get(x.key, 0), said=late)) for x in letters]


def _deliver(
    letter: Letter,
    done: SimpleQueue[Outcome],
    until: float,
    gate: threading.Semaphore,
    heard: _Hearing,
    tried: dict[Hashable, int],
) -> None:
    sent, tries = False, 0
    try:
        with gate:
            while not sent and tries < TRIES and monotonic() < until:
                if tries:
                    threading.Event().wait(min(_PAUSES[tries - 1], max(0.0, until - monotonic())))
                tries += 1
                tried[letter.key] = tries
                sent = _try(letter, max(1.0, until - monotonic()), heard)
    except Exception as error:  # noqa: BLE001 - a plug-in's fault must not lose the other letters
        heard.note(type(error).__name__)
    said = "" if sent else _harmless(heard.last() or "refused", letter.target)
    done.put(Outcome(letter.key, sent, tries, said))


def _try(letter: Letter, left: float, heard: _Hearing) -> bool:
    if letter.target.url.partition("://")[0] in SCHEMES:
        try:
            said = send_sms(letter.target.url, letter.facts, min(_READ, left))
        except Exception as error:  # noqa: BLE001 - each SDK has its own family of errors
            said = str(error) or type(error).__name__
        heard.note(said)
        return not said
    from apprise import Apprise, NotifyType  # noqa: PLC0415 - 0.3 s that only --notify pays

    plugin: Any = Apprise.instantiate(letter.target.url, suppress_exceptions=True)
    if plugin is None:
        return False
    plugin.socket_connect_timeout = min(_CONNECT, left)
    plugin.socket_read_timeout = min(_READ, left)
    return bool(plugin.notify(letter.body, title=letter.title, notify_type=NotifyType.WARNING))


def _harmless(said: str, target: Target) -> str:
    for secret in target.secrets:
        said = said.replace(secret, "***")
    return printable(said)[:200]


class _Hearing(logging.Handler):
    """Keeps the last warning of each thread: apprise returns False and logs why."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._said: dict[int, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        self.note(record.getMessage())

    def note(self, text: str) -> None:
        self._said[threading.get_ident()] = text

    def last(self) -> str:
        return self._said.get(threading.get_ident(), "")
