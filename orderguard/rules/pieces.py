"""A rulebook over orders that do not fit into memory: cut by each rule's reach, judged piece by piece, findings the same.

A rule that needs its own row only sees each part as it comes. A rule that looks at rows with the same key gets them
together: rows are laid down by the hash of their key, only with the columns that the rule reads. A pile that is still too
large is cut into slices of time that overlap by the rule's window, and each order is answered in its own slice. A rule that
looks at every row of a time gets its few columns of all of them at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import COVERAGE, schema
from orderguard.rules.engine import FINDING_TYPES, Verdicts, needed, run_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from orderguard.rules.book import Rule

ROW, PAST, AUDITED, CORE = "_row", "past", "_heard", "_core"
_NARROW = 3
"""How many times more rows of one rule's few columns take the memory of a piece."""
_ALWAYS = ("platform", "order_id", "created_at", PAST, ROW, AUDITED)


def run_in_pieces(
    parts: Iterable[pl.DataFrame],
    rules: Sequence[Rule],
    locale: str,
    synonyms: Mapping[str, frozenset[str]],
    folder: Path,
    rows: int,
    height: int | None = None,
) -> Verdicts:
    """Judge orders that come in parts.

    Args:
        parts: orders with facts, each once; `_row` numbers them over all parts, `past` and `_heard` (audited) mark them.
        rules: those to run.
        locale, synonyms: as `run_rules` takes them.
        folder: where piles are laid down.
        rows: how many rows a piece should hold at most.
        height: how many rows will come, if it is known.

    Returns:
        As `run_rules`, rows (Int64) numbered by `_row`.
    """
    windowed = [i for i, r in enumerate(rules) if reaches(r)]
    alone = [r for i, r in enumerate(rules) if i not in windowed]
    found: list[Path] = []
    seen: list[pl.DataFrame] = []
    piles = {i: folder / f"rule-{i}" for i in windowed}
    # As few as fill their pieces by four fifths: a file a part and bucket costs more than its rows.
    buckets = 64 if height is None else min(-(-height * 5 // (rows * _NARROW * 4)), 256)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def take(answered: Verdicts) -> None:
        # Through the disk: a finding's order number keeps those of the whole part in memory.
        if len(answered.findings):
            found.append(folder / f"found-{len(found):05d}.ipc")
            answered.findings.write_ipc(found[-1], compression="uncompressed")
        seen.append(answered.coverage)

    for number, part in enumerate(parts):
        take(run_alone(part.rechunk(), alone, locale, synonyms))
        for i, pile in piles.items():
            lay_down(part, rules[i], rules, pile, number, buckets)
    for i in windowed:
        for files in gathered(piles[i], rows * _NARROW):
            for answered in judge_pile(files, rules[i], rules, locale, synonyms, rows * _NARROW):
                take(answered)
            for file in files:
                file.unlink()
    return merged(list(map(_read, found)), seen, rules)


def _read(path: Path) -> pl.DataFrame:
    with path.open("rb") as file:  # not mapped into memory
        return pl.read_ipc(file)


def merged(found: Sequence[pl.DataFrame], seen: Sequence[pl.DataFrame], rules: Sequence[Rule]) -> Verdicts:
    """The findings of all pieces in the order in which one run would give them, the coverage summed."""
    order = {rule.id: i for i, rule in reversed(list(enumerate(rules)))}
    findings = pl.concat([pl.DataFrame(schema={**FINDING_TYPES, "row": pl.Int64}), *found])
    findings = findings.sort("row", pl.col("rule_id").replace_strict(order, return_dtype=pl.Int32))
    coverage = pl.concat([pl.DataFrame(schema=schema(COVERAGE)), *seen])
    coverage = coverage.group_by("rule_id", "platform").sum()
    coverage = coverage.sort(pl.col("rule_id").replace_strict(order, return_dtype=pl.Int32), "platform")
    return Verdicts(findings, coverage)


def reaches(rule: Rule) -> bool:
    """Whether a rule looks at other rows than its own."""
    return rule.settings.reach().within is not None


def columns_of(rule: Rule, rules: Sequence[Rule], have: Sequence[str]) -> list[str]:
    """What a piece for one rule holds: what it reads, and what the rules read that can spare an order from it."""
    wanted, _, _ = needed([rule, *_standing(rules)])
    return [c for c in have if c in wanted or c in _ALWAYS or c in rule.settings.reach().keys]


def lay_down(part: pl.DataFrame, rule: Rule, rules: Sequence[Rule], pile: Path, number: int, buckets: int) -> None:
    """Add a part's rows to the piles of their keys."""
    pile.mkdir(parents=True, exist_ok=True, mode=0o700)
    narrow, keys = part.select(columns_of(rule, rules, part.columns)), rule.settings.reach().keys
    if not keys:
        _write(narrow, pile / f"all-{number}.parquet")
        return
    narrow = narrow.with_columns(_bucket=pl.concat_str(keys, separator="\x1f", ignore_nulls=True).hash(7) % buckets)
    for (bucket,), rows in narrow.partition_by("_bucket", as_dict=True, include_key=False).items():
        _write(rows, pile / f"{bucket:03d}-{number}.parquet")


def _write(rows: pl.DataFrame, path: Path) -> None:
    # Not packed: it is read once, soon, and packing would take longer than all else here.
    rows.write_parquet(path, compression="uncompressed", statistics=False)


def gathered(pile: Path, rows: int) -> list[list[Path]]:
    """The files of a pile, bucket by bucket; small buckets together."""
    files: dict[str, list[Path]] = {}
    for file in sorted(pile.glob("*.parquet")) if pile.is_dir() else ():
        files.setdefault(file.name.partition("-")[0], []).append(file)
    groups: list[list[Path]] = []
    size = rows
    for some in files.values():
        height = pl.scan_parquet(some).select(pl.len()).collect().item()
        if size + height > rows:
            groups.append([])
            size = 0
        groups[-1] += some
        size += height
    return groups


def judge_pile(
    pile: Sequence[Path],
    rule: Rule,
    rules: Sequence[Rule],
    locale: str,
    synonyms: Mapping[str, frozenset[str]],
    rows: int,
) -> Iterable[Verdicts]:
    """Answer for the orders of a pile, in slices of time where it holds more than `rows`."""
    lazy = pl.scan_parquet(list(pile))
    reach = rule.settings.reach()
    height = lazy.select(pl.len()).collect().item()
    if height <= rows or not reach.keys or reach.within is None:
        yield answer(lazy.collect(), rule, rules, locale, synonyms)
        return
    for low, high in slices(lazy.select("created_at").collect()["created_at"], rows):
        at = pl.col("created_at")
        core = near = at.is_not_null()
        if low is not None:
            core, near = core & (at >= low), near & (at >= low - reach.within)
        if high is not None:
            core, near = core & (at < high), near & (at < high + reach.within)
        core = core | at.is_null() if low is None else core
        part = lazy.filter(core | near).with_columns(core.alias(CORE)).collect()
        yield answer(part, rule, rules, locale, synonyms)


def slices(at: pl.Series, rows: int) -> list[tuple[Any, Any]]:
    """Spans of time that hold about `rows` orders each; open at both ends."""
    known = at.drop_nulls().sort()
    borders = known.gather_every(max(rows, 1))[1:].unique().sort().to_list()
    return list(zip([None, *borders], [*borders, None], strict=True))


def answer(
    part: pl.DataFrame, rule: Rule, rules: Sequence[Rule], locale: str, synonyms: Mapping[str, frozenset[str]]
) -> Verdicts:
    """One rule's answer for a piece; of orders that only stand beside it (`_core` is false) nothing is told."""
    # Rows in one order, whatever the pieces they came in: a tie must not be broken by chance.
    part = part.sort(ROW).rechunk()
    core = part[CORE] if CORE in part.columns else None
    if core is not None:
        part = part.with_columns((pl.col(PAST) | ~pl.col(CORE)).alias(PAST)).drop(CORE)
    told = run_alone(part, [rule, *[r for r in _standing(rules) if r is not rule]], locale, synonyms)
    findings = told.findings.filter(pl.col("rule_id") == rule.id)
    if core is not None:
        findings = findings.filter(pl.col("row").is_in(part[ROW].filter(core).implode()))
    return Verdicts(findings, told.coverage.filter(pl.col("rule_id") == rule.id))


def run_alone(
    part: pl.DataFrame, rules: Sequence[Rule], locale: str, synonyms: Mapping[str, frozenset[str]]
) -> Verdicts:
    """`run_rules` over rows that are numbered by `_row` and marked by `_heard`."""
    told = run_rules(
        part.drop(ROW, AUDITED),
        rules,
        locale,
        synonyms,
        None if part[AUDITED].fill_null(value=False).all() else part[AUDITED],
    )
    rows = part[ROW].gather(told.findings["row"]).cast(pl.Int64)
    return Verdicts(told.findings.with_columns(rows.alias("row")), told.coverage)


def _standing(rules: Sequence[Rule]) -> list[Rule]:
    """Rules that can spare an order from other rules' findings."""
    return [r for r in rules if r.settings.stands]
