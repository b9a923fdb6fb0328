"""JSON text as values: whole, an object a line, or several documents one after the other; keys that are repeated are told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from orderguard.errors import Problem, Words
from orderguard.ingest.table import BadRow

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_DEPTH = 20
_BLANK: tuple[Any, ...] = (None, "", [], {})
_SHOWN = 5


class _Twice(dict[str, Any]):
    """An object in which keys are repeated with other values: the last one that is not blank counts."""

    repeated: tuple[str, ...]


class Decoder:
    """Reads one file's text, numbers as their digits, and remembers whether some key was repeated."""

    def __init__(self) -> None:
        self._twice = False
        self._json = json.JSONDecoder(
            parse_int=str, parse_float=str, parse_constant=str, object_pairs_hook=self._object
        )

    def value(self, text: str) -> Any:
        """The value of the whole text.

        Raises:
            ValueError, RecursionError: it is none.
        """
        text = text.removeprefix("\ufeff")
        return self._json.decode(text)

    def parts(self, text: str) -> tuple[list[tuple[int, Any]], list[BadRow]]:
        """Text that is no single value: numbered values of its lines, or of its documents where not every line is one.

        Both are empty where neither gives an object.
        """
        rows, bad = [], []
        for number, line in enumerate(text.split("\n"), 1):
            if not line.strip():
                continue
            try:
                rows.append((number, self.value(line)))
            except (ValueError, RecursionError) as error:
                why = Words(f"不是有效的 JSON（{str(error)[:60]}）", f"is not valid JSON ({str(error)[:60]})")
                bad.append(BadRow(number, why, whole(line[:2_000])))
        if bad and (documents := self._documents(text)):
            return documents, []
        return ([r for r in rows if isinstance(r[1], dict)] and rows), bad

    def _documents(self, text: str) -> list[tuple[int, Any]]:
        """Each document of a text, if it is nothing but documents; a list of orders is as many of them."""
        found, at = list[Any](), _after_space(text, 0)
        try:
            while at < len(text):
                value, at = self._json.raw_decode(text, at)
                found += value if isinstance(value, list) else [value]
                at = _after_space(text, at)
        except (ValueError, RecursionError):
            return []
        return list(enumerate(found, 1))

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) == len(pairs):
            return made
        said: dict[str, Any] = {}
        other = dict[str, None]()
        for key, value in pairs:
            before = said.get(key)
            if before in _BLANK or value not in _BLANK:
                said[key] = value
            if before not in _BLANK and value not in _BLANK and value != before:
                other[key] = None
        if not other:
            return said
        self._twice = True
        marked = _Twice(said)
        marked.repeated = tuple(other)
        return marked

    def notices(self, numbered: Iterable[tuple[int, Any]], name: str) -> list[Problem]:
        """What to say of records in which a key stands twice and not with the same value."""
        found: dict[str, dict[int, None]] = {}
        for number, record in numbered if self._twice else ():
            for key in _repeated(record, 0):
                found.setdefault(whole(key)[:40], {})[number] = None
        notes = []
        for key, orders in list(found.items())[:_SHOWN]:
            more = f" … +{len(orders) - _SHOWN}" if len(orders) > _SHOWN else ""
            zh, en = (mark.join(map(str, list(orders)[:_SHOWN])) + more for mark in ("、", ", "))
            what = Words(
                f"“{key}”写了两次而内容不同，按后一个读：第 {zh} 条",
                f"'{key}' stands twice with different values, the last one is read: record {en}",
            )
            fix = Words("请核对这些订单，并检查导出程序", "check these orders, and the program that exports them")
            notes.append(Problem(what, name, fix=fix, fatal=False))
        return notes


def _after_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at


def whole(text: str) -> str:
    """Text without halves of surrogate pairs, which are no text."""
    return text.encode("utf-8", "replace").decode()


def _repeated(value: Any, depth: int) -> list[str]:
    if depth > _MAX_DEPTH or not isinstance(value, list | dict):
        return []
    own = list(value.repeated) if isinstance(value, _Twice) else []
    children = value.values() if isinstance(value, dict) else value
    return own + [key for child in children for key in _repeated(child, depth + 1)]
