"""`flagged.xlsx`: summary, flagged orders, a sheet per rule, clusters, coverage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import heading
from orderguard.outbox.book import Sheet, sheet_name, write_book

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MOST = 50_000

BAND_WORDS = {"hold": ("暂扣", "Hold"), "review": ("复核", "Review"), "pass": ("放行", "Pass")}
_COLUMNS = (
    "band", "score", "order_id", "platform", "shop", "reasons", "amount", "created_at", "promised_at", "due_at", "agent",
    "cluster", "cluster_size", "receiver_name", "receiver_phone", "province", "city", "district", "address", "buyer_id",
    "ip", "device_id", "coupon", "buyer_note", "source_file", "source_row",
)  # fmt: skip
_WIDTHS = {
    "order_id": 24, "reasons": 58, "address": 44, "receiver_phone": 16, "created_at": 19, "promised_at": 19, "due_at": 19,
    "shop": 18, "buyer_id": 18, "buyer_note": 28, "source_file": 22, "cluster": 13, "ip": 16, "device_id": 18, "reason": 60,
    "score": 8, "band": 8, "platform": 11, "amount": 12, "agent": 12, "rule_id": 22, "linked_by": 50, "title": 30, "orders": 60,
}  # fmt: skip


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


def titled(frame: pl.DataFrame, locale: str) -> tuple[pl.DataFrame, dict[str, float]]:
    """Headings in the reader's language, and the widths by these headings."""
    names = {
        c: _EXTRA[c][0 if locale.startswith("zh") else 1] if c in _EXTRA else heading(c, locale) for c in frame.columns
    }
    widths = {names[c]: float(_WIDTHS.get(c, 13)) for c in frame.columns}
    return frame.rename(names), widths


_EXTRA = {
    "reasons": ("原因", "Reasons"), "judged": ("已判断", "Judged"), "hits": ("命中", "Hits"), "not_evaluable": ("无法判断", "Not evaluable"),
    "share": ("命中率", "Share"), "orders": ("订单编号", "Orders"), "total": ("合计金额", "Total amount"), "item": ("项目", "Item"),
    "text": ("内容", "Content"), "says": ("说明", "Says"), "points": ("分值", "Points"), "status": ("状态", "Status"),
}  # fmt: skip


def write_flagged(
    path: Path, summary: list[tuple[str, str]], flagged: pl.DataFrame, findings: pl.DataFrame, coverage: pl.DataFrame,
    rules: list[tuple[str, str, float, str]], locale: str, zone: str, privacy: Mapping[str, bool],
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
        privacy: `mask_sheets`.
    """
    zh = locale.startswith("zh")
    shown = flagged.head(MOST)
    if len(flagged) > MOST:
        note = f"共 {len(flagged):,} 单异常，本表只列分数最高的 {MOST:,} 单；全部见 findings.parquet、decisions.parquet"
        note_en = f"{len(flagged):,} flagged; this book shows the {MOST:,} with the highest score; all are in findings.parquet"
        summary = [*summary, ("!" if not zh else "注意", note if zh else note_en)]
    taken: set[str] = set()
    bands = {word(w, locale): band for band, w in BAND_WORDS.items()}
    main = local(shown.select(_COLUMNS), zone).with_columns(
        pl.col("band").replace({k: word(w, locale) for k, w in BAND_WORDS.items()}),
        pl.col("cluster_size").cast(pl.Int64),
    )
    if privacy.get("mask_sheets"):
        from orderguard.outbox.safe import mask_name, mask_phone  # noqa: PLC0415

        main = main.with_columns(mask_phone(pl.col("receiver_phone")), mask_name(pl.col("receiver_name")))
    main, widths = titled(main, locale)
    first = pl.DataFrame(summary, schema=["item", "text"], orient="row")
    head, _ = titled(first, locale)
    names = head.columns
    sheets = [
        Sheet(sheet_name("摘要" if zh else "Summary", taken), head, {names[0]: 26.0, names[1]: 90.0}),
        Sheet(
            sheet_name("异常订单" if zh else "Flagged", taken),
            main,
            widths,
            main.columns[0],
            bands,
            {heading("amount", locale): "#,##0.00"},
            frozen=3,
        ),
    ]
    sheets += _per_rule(shown, findings, rules, locale, zone, taken)
    sheets.append(_clusters(shown, locale, taken))
    seen = coverage.join(
        pl.DataFrame(rules, schema=["rule_id", "says", "points", "status"], orient="row"),
        on="rule_id",
        how="left",
        maintain_order="left",
    )
    seen = seen.with_columns(share=pl.when(pl.col("judged") > 0).then(pl.col("hits") / pl.col("judged")))
    table, w = titled(
        seen.select("rule_id", "says", "platform", "judged", "hits", "share", "not_evaluable", "points", "status"),
        locale,
    )
    sheets.append(Sheet(sheet_name("覆盖" if zh else "Coverage", taken), table, w, formats={table.columns[5]: "0.0%"}))
    write_book(path, sheets)


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
    bands = {word(w, locale): band for band, w in BAND_WORDS.items()}
    for rule_id, _, _, status in rules:
        part = parts.get((rule_id,))
        if part is None or status == "retired":
            continue
        part = part.sort("value", "order_id", descending=[True, False], nulls_last=True)
        table = part.select(
            "order_id", "platform", "value", "reason", "score", "band", "amount", "created_at", "receiver_name"
        )
        table = local(table, zone).with_columns(
            pl.col("band").replace({k: word(w, locale) for k, w in BAND_WORDS.items()})
        )
        table, widths = titled(table, locale)
        out.append(
            Sheet(
                sheet_name(rule_id, taken),
                table,
                widths,
                table.columns[5],
                bands,
                {heading("amount", locale): "#,##0.00"},
            )
        )
    return out


def _clusters(shown: pl.DataFrame, locale: str, taken: set[str]) -> Sheet:
    linked = shown.filter(pl.col("cluster_size") > 1)
    table = (
        linked.group_by("cluster", maintain_order=True)
        .agg(
            pl.col("cluster_size").first(), pl.col("linked_by").first(), pl.col("amount").cast(pl.Float64).sum().alias("total"),
            pl.col("agent").first(), pl.col("order_id").sort().str.join("、").alias("orders"),
        )
        .sort("cluster_size", "cluster", descending=[True, False])
    )  # fmt: skip
    titles, widths = titled(table, locale)
    return Sheet(sheet_name("关联组" if locale.startswith("zh") else "Clusters", taken), titles, widths)
