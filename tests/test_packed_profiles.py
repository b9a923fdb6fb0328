"""Our own profiles are read from JSON; a YAML that is not in it, as it is."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING

from orderguard.platforms import load_profiles, loading
from orderguard.platforms.profile import folded, heading_key
from orderguard.yamls import plain_yaml

if TYPE_CHECKING:
    import pytest


def test_every_profile_is_the_same_from_json_and_from_yaml(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = [p.model_dump() for p in load_profiles()]
    read: list[str] = []
    monkeypatch.setattr(loading, "_packed", dict)
    monkeypatch.setattr(loading, "plain_yaml", lambda text: read.append(text) or plain_yaml(text))
    assert [p.model_dump() for p in loading.own_profiles.__wrapped__()] == quick  # patterns are tried here
    assert len(read) == len(quick)


def test_a_scan_reads_no_yaml_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the JSON is stale: run docs/generate.py."""
    read: list[str] = []
    monkeypatch.setattr(loading, "plain_yaml", lambda text: read.append(text) or plain_yaml(text))
    loading.own_profiles.__wrapped__()
    assert read == []
    stored = resources.files("orderguard.platforms").joinpath("profiles.json").read_text(encoding="utf-8")
    assert json.loads(stored) == json.loads(loading.packed())


def test_headings_that_were_packed_are_those_that_a_profile_finds() -> None:
    for profile in loading.own_profiles():
        assert {folded(h) for h in profile.written()} == profile.headings(), profile.platform
        assert [h for h in profile.written() if folded(h) != heading_key(h)] == []
