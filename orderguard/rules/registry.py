"""The rule kinds: being a module of `rules/kinds/` registers one."""

from __future__ import annotations

import pkgutil
import sys
from functools import cache
from importlib import import_module

from orderguard.rules import kinds
from orderguard.rules.base import Kind


def kind_names() -> list[str]:
    """The rule kinds: the modules of `rules/kinds/`."""
    return list(_names(tuple(kinds.__path__)))


@cache
def _names(folders: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(m.name for m in pkgutil.iter_modules(folders) if not m.name.startswith("_")))


def kind_class(name: str) -> type[Kind]:
    """The one `Kind` that a kind's module defines.

    Raises:
        KeyError: no such kind.
    """
    if name not in kind_names():
        raise KeyError(name)
    module = import_module(f"{kinds.__name__}.{name}")
    found = [
        c
        for c in vars(module).values()
        if isinstance(c, type) and issubclass(c, Kind) and c.__module__ == module.__name__
    ]
    return found[0]


def kind_example(name: str) -> str:
    """Rules of this kind with their proofs, as YAML: what a kind's module says in `EXAMPLE`; empty if it has none."""
    return str(getattr(sys.modules[kind_class(name).__module__], "EXAMPLE", "")).strip("\n")
