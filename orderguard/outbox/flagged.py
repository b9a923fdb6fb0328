"""`flagged.xlsx`: summary, flagged orders, a sheet per rule, clusters, coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import heading
from orderguard.outbox.book import Sheet, sheet_name, text_lines, write_book
from orderguard.staff import NOBODY, UNASSIGNED

if TYPE_CHECKING:
    from pathlib import Path

MOST = 50_000

BAND_WORDS = {"hold": ("暂扣", "Hold"), "review": ("复核", "Review"), "pass": ("放行", "Pass")}
_COLUMNS = (
    "band", "score", "order_id", "platform", "shop", "reasons", "amount", "currency", "created_at", "promised_at", "due_at", "agent",
    "cluster", "cluster_size", "receiver_name", "receiver_phone", "province", "city", "district", "address", "buyer_id",
    "ip", "device_id", "coupon", "buyer_note", "source_file", "source_row",
)  # fmt: skip
_WIDTHS = {
    "order_id": 24, "reasons": 58, "address": 44, "receiver_phone": 16, "created_at": 19, "promised_at": 19,
    "due_at": 19, "shop": 18, "buyer_id": 18, "buyer_note": 28, "source_file": 22, "cluster": 13, "ip": 16,
    "device_id": 18, "reason": 60, "score": 8, "band": 8, "platform": 11, "amount": 12, "agent": 12, "rule_id": 22,
    "linked_by": 50, "says": 30, "orders": 60, "item": 30, "text": 90,
}  # fmt: skip
_STYLES = {
    "amount": "money", "total": "money", "score": "score", "reasons": "wrap", "share": "share", "judged": "whole", "hits": "whole",
    "not_evaluable": "whole", "points": "number", "value": "number", "order_id": "bold", "cluster_size": "whole",
    "item": "bold", "text": "wrap", "orders": "wrap",
}  # fmt: skip
BAND_STYLES = {"hold": "hold", "review": "review"}


def word(pair: tuple[str, str], locale: str) -> str:
    """The word of a pair for a locale."""
    return pair[0] if locale.startswith("zh") else pair[1]


def local(frame: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Instants as wall-clock times of the shop, money as numbers, for sheets."""
    changes = []
    for name, dtype in frame.schema.items():
        if isinstance(dtype, pl.Datetime) and dtype.time_zone:
            changes.append(pl.col(name).dt.convert_time_zone(zone).dt.replace_time_zone(None).dt.truncate("1s"))
        elif isinstance(dtype, pl.Decimal):
            changes.append(pl.col(name).cast(pl.Float64))
    return frame.with_columns(changes)


def sheet(name: str, frame: pl.DataFrame, locale: str, frozen: int = 1) -> Sheet:
    """A sheet of a frame whose columns have our names: headings in the reader's language, widths, styles, bands."""
    zh = locale.startswith("zh")
    names = {c: _EXTRA[c][0 if zh else 1] if c in _EXTRA else heading(c, locale) for c in frame.columns}
    styles = [_STYLES.get(c, "time" if isinstance(t, pl.Datetime) else "plain") for c, t in frame.schema.items()]
    bands = {word(BAND_WORDS[band], locale): style for band, style in BAND_STYLES.items()}
    variants = {names["band"]: bands} if "band" in names else {}
    widths = [float(_WIDTHS.get(c, 13)) for c in frame.columns]
    wide = {c: w for c, w, s in zip(frame.columns, widths, styles, strict=True) if s == "wrap"}
    lines = text_lines(frame, wide) if wide else None
    return Sheet(name, frame.rename(names), widths, styles, variants, lines=lines, frozen=frozen)


_EXTRA = {
    "reasons": ("原因", "Reasons"), "judged": ("已判断", "Judged"), "hits": ("命中", "Hits"), "not_evaluable": ("无法判断", "Not evaluable"),
    "share": ("命中率", "Share"), "orders": ("订单编号", "Orders"), "total": ("合计金额", "Total amount"), "item": ("项目", "Item"),
    "text": ("内容", "Content"), "says": ("说明", "Says"), "points": ("分值", "Points"), "status": ("状态", "Status"),
}  # fmt: skip


def write_flagged(
    path: Path, summary: list[tuple[str, str]], flagged: pl.DataFrame, findings: pl.DataFrame, coverage: pl.DataFrame,
    rules: list[tuple[str, str, float, str]], locale: str, zone: str
) -> None:  # fmt: skip
    """Write the workbook.

    Args:
        path: the file.
        summary: lines of the first sheet.
        flagged: flagged orders with `score band reasons due_at agent cluster cluster_size linked_by`, best first.
        findings: of the flagged orders.
        coverage: per rule and platform.
        rules: id, words, points, status.
        locale, zone: of the rulebook.
    """
    zh = locale.startswith("zh")
    shown = flagged.head(MOST)
    if len(flagged) > MOST:
        note = f"共 {len(flagged):,} 单异常，本表只列分数最高的 {MOST:,} 单；全部见 findings.parquet、decisions.parquet"
        note_en = f"{len(flagged):,} flagged; this book shows the {MOST:,} with the highest score; all are in findings.parquet"
        summary = [*summary, ("!" if not zh else "注意", note if zh else note_en)]
    taken: set[str] = set()
    main = _in_words(local(shown.select(_COLUMNS), zone), locale)
    head = pl.DataFrame(summary, schema={"item": pl.String, "text": pl.String}, orient="row")
    sheets = [
        sheet(sheet_name("摘要" if zh else "Summary", taken), head, locale),
        sheet(sheet_name("异常订单" if zh else "Flagged", taken), main, locale, frozen=3),
        *_per_rule(shown, findings, rules, locale, zone, taken),
        sheet(sheet_name("关联组" if zh else "Clusters", taken), _clusters(shown, locale), locale),
    ]
    told = pl.DataFrame(rules, schema=["rule_id", "says", "points", "status"], orient="row")
    # A platform's own exports and the rows that an ERP calls so are one line: they have one name here.
    seen = coverage.group_by("rule_id", "platform", maintain_order=True).agg(
        pl.col("judged", "hits", "not_evaluable").sum()
    )
    seen = seen.join(told, on="rule_id", how="left", maintain_order="left")
    seen = seen.with_columns(share=pl.when(pl.col("judged") > 0).then(pl.col("hits") / pl.col("judged")))
    table = seen.select("rule_id", "says", "platform", "judged", "hits", "share", "not_evaluable", "points", "status")
    sheets.append(sheet(sheet_name("覆盖" if zh else "Coverage", taken), table, locale))
    write_book(path, sheets)


def _in_words(frame: pl.DataFrame, locale: str) -> pl.DataFrame:
    bands = pl.col("band").replace({k: word(w, locale) for k, w in BAND_WORDS.items()})
    agents = [pl.col("agent").replace(UNASSIGNED, NOBODY.pick(locale))] if "agent" in frame.columns else []
    return frame.with_columns(bands, *agents)


def _per_rule(
    shown: pl.DataFrame,
    findings: pl.DataFrame,
    rules: list[tuple[str, str, float, str]],
    locale: str,
    zone: str,
    taken: set[str],
) -> list[Sheet]:
    beside = shown.select("platform", "order_id", "score", "band", "created_at", "receiver_name", "amount")
    joined = findings.join(beside, on=["platform", "order_id"], how="inner", maintain_order="left")
    parts = joined.partition_by("rule_id", as_dict=True)
    out = []
    for rule_id, *_ in rules:
        part = parts.get((rule_id,))
        if part is None:
            continue
        part = part.sort("value", "order_id", descending=[True, False], nulls_last=True)
        part = part.with_columns(pl.col("value").round(2))
        table = part.select(
            "order_id", "platform", "value", "reason", "score", "band", "amount", "created_at", "receiver_name"
        )
        out.append(sheet(sheet_name(rule_id, taken), _in_words(local(table, zone), locale), locale))
    return out


def _clusters(shown: pl.DataFrame, locale: str) -> pl.DataFrame:
    """Linked orders, the largest group first."""
    groups = shown.filter(pl.col("cluster_size") > 1).group_by("cluster", maintain_order=True)
    table = groups.agg(
        pl.col("cluster_size").first(),
        pl.col("linked_by").first(),
        pl.when(pl.col("currency").str.to_uppercase().fill_null("CNY").n_unique() == 1)
        .then(pl.col("amount").cast(pl.Float64).sum())
        .alias("total"),
        pl.col("agent").first().replace(UNASSIGNED, NOBODY.pick(locale)),
        pl.col("order_id").sort().str.join("、 ").alias("orders"),
    )
    return table.sort("cluster_size", "cluster", descending=[True, False])
