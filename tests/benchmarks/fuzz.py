"""Reads hundreds of thousands of odd inputs and tells what broke: `python tests/benchmarks/fuzz.py [--inputs 200000]`.

Each input is made from a seed of hypothesis: CSV, JSON, Excel books and profiles, half of them mutated byte by byte. A part is
read as a whole scan reads it (typed, folded, counted), the rest up to the recognition of its header. An input fails when
an error escapes that nobody meant, when rows are lost, when it takes longer than ten seconds of processor time or two minutes
of waiting, or when the process grows beyond the limit. Seeds of failures are printed: `--kind csv --seed N` reads one again.
"""

from __future__ import annotations

import argparse
import resource
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))

import fuzzing
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

SHARES = {"csv": 0.5, "json": 0.3, "profile": 0.18, "xlsx": 0.02}
WHOLE = {"csv": 4, "json": 4, "profile": 1, "xlsx": 1}
"""One in so many is read as a whole."""
SECONDS, WAITING = 10, 120


def run(kind: str, inputs: int, folder: Path, told: Counter[str], failed: list[str]) -> None:
    """Read `inputs` inputs of one kind."""
    count = 0

    @settings(max_examples=inputs, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
    @given(st.integers(0, 2**48))
    def one(seed: int) -> None:
        nonlocal count
        count += 1
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.setitimer(signal.ITIMER_REAL, WAITING)
        try:
            told[f"{kind} {fuzzing.check(kind, seed, folder, whole=count % WHOLE[kind] == 0)}"] += 1
        except Exception as error:  # noqa: BLE001 - that is what is looked for
            failed.append(f"{kind} {seed}: {type(error).__name__}: {str(error)[:300]}")
            told[f"{kind} FAILED"] += 1
            print(failed[-1], flush=True)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
        if count % 5_000 == 0:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            print(f"{time.strftime('%H:%M:%S')} {kind} {count:,} of {inputs:,}, {len(failed)} failed, peak {peak} MB", flush=True)

    one()


def _late(*_: Any) -> None:
    raise TimeoutError(f"longer than {SECONDS} s of work or {WAITING} s of waiting")


def main() -> None:
    """Read them all."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--inputs", type=int, default=200_000)
    words.add_argument("--memory", type=int, default=6_000, help="MB of address space")
    words.add_argument("--kind", choices=sorted(SHARES))
    words.add_argument("--seed", type=int)
    given_words = words.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (given_words.memory << 20, given_words.memory << 20))
    for sent in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(sent, _late)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given_words.seed is not None:
            print(fuzzing.check(given_words.kind or "csv", given_words.seed, folder, whole=True))
            return
        told: Counter[str] = Counter()
        failed: list[str] = []
        began = time.perf_counter()
        kinds = [given_words.kind] if given_words.kind else list(SHARES)
        for kind in kinds:
            run(kind, int(given_words.inputs * (SHARES[kind] if len(kinds) > 1 else 1)), folder, told, failed)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{sum(told.values()):,} inputs in {time.perf_counter() - began:,.0f} s, peak {peak} MB, {len(failed)} failed")
    for name, count in sorted(told.items()):
        print(f"  {name}: {count:,}")
    for line in failed[:50]:
        print(line)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
