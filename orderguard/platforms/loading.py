"""Where profiles come from: the package's own, as JSON made of their YAML, and a shop's folder."""

from __future__ import annotations

import json
from functools import cache
from hashlib import sha256
from importlib import resources
from pathlib import Path
from threading import Lock
from typing import Any

from pydantic import ValidationError

from orderguard.errors import OrderguardError, Problem, Words
from orderguard.faults import explain
from orderguard.platforms.profile import PROVED, Profile, folded
from orderguard.yamls import parse_yaml, plain_yaml, read_yaml


def load_profiles(folder: str | None = None) -> list[Profile]:
    """The package's own profiles, then those of `folder` (which win over ours of the same name).

    Raises:
        OrderguardError: a profile that is not valid, with file and line.
    """
    with _ONE:  # reading ahead and the scan ask at the same time
        found = {(p.platform, p.variant): p for p in own_profiles()}
    if folder is not None:
        files = sorted(Path(folder).glob("*.y*ml"))
        if not files:
            what = Words("没有平台配置（*.yaml）", "holds no platform profiles (*.yaml)")
            fix = Words("把配置放进去，platforms draft 可起草", "put profiles there; 'platforms draft' drafts one")
            raise OrderguardError(Problem(what, folder, fix=fix))
        for file in files:
            profile = _load(read_yaml(file))
            found[profile.platform, profile.variant] = profile
    return list(found.values())


_ONE = Lock()


@cache
def own_profiles() -> tuple[Profile, ...]:
    """The package's own profiles: made once a process, for nobody changes them."""
    inside = resources.files("orderguard.platforms").joinpath("profiles")
    files = sorted((e for e in inside.iterdir() if e.name.endswith(".yaml")), key=lambda e: e.name)
    return tuple(_packaged(e.read_text(encoding="utf-8"), e.name) for e in files)


def packed() -> str:
    """Our own profiles as JSON, by the SHA-256 of their YAML: `profiles.json`, which `docs/generate.py` writes.

    With each its headings and their `heading_key`: three thousand of them would be folded at every start.
    """
    inside = resources.files("orderguard.platforms").joinpath("profiles")
    texts = [e.read_text(encoding="utf-8") for e in inside.iterdir() if e.name.endswith(".yaml")]
    plain = {sha256(t.encode()).hexdigest(): plain_yaml(t) for t in texts}
    told = {
        k: {"profile": d, "keys": {h: folded(h) for h in Profile.model_validate(d).written()}} for k, d in plain.items()
    }
    lines = (f"{json.dumps(k)}:{_packed_line(told[k])}" for k in sorted(told))  # a line each, for whoever merges
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _packed_line(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


@cache
def _packed() -> dict[str, Any]:
    found = resources.files("orderguard.platforms").joinpath("profiles.json")
    told: dict[str, Any] = json.loads(found.read_text(encoding="utf-8")) if found.is_file() else {}
    return told


def _packaged(text: str, name: str) -> Profile:
    """One of our own, which tests have proved: from JSON, in a fortieth of the time; YAML that was changed since is read."""
    try:
        told = _packed().get(sha256(text.encode()).hexdigest())
        if told is None:
            return Profile.model_validate(plain_yaml(text))
        return Profile.model_validate(told["profile"], context=PROVED).knowing(told["keys"])
    except (ValidationError, ValueError):
        return _load(parse_yaml(text, name))


def _load(document: Any) -> Profile:
    if document.problems:
        raise OrderguardError(*document.problems)
    try:
        return Profile.model_validate(document.data)
    except ValidationError as error:
        raise OrderguardError(*explain(error, document)) from error
