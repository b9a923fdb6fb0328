"""Tasks as cards: Markdown for reading (answers go into xlsx, csv or json), and short ones for a chat."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import heading
from orderguard.outbox.safe import inert_frame, mask_phone

if TYPE_CHECKING:
    from collections.abc import Mapping

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~&:@.-])")
_SHOWN = ("receiver_name", "receiver_phone", "place", "amount", "items", "buyer_note", "platform", "shop", "case_id")
_WORDS = {"place": ("收货地址", "Address"), "items": ("商品", "Items")}


def cards(rows: pl.DataFrame, locale: str) -> str:
    """Markdown of task rows (in the order of the sheet); buyer text is escaped, so that it is never a link or a heading."""
    at = 0 if locale.startswith("zh") else 1
    lines: list[str] = []
    cluster = None
    for row in inert_frame(rows).iter_rows(named=True):
        if row["cluster"] != cluster and row["cluster_size"] > 1:
            linked = (f"关联 {row['cluster_size']} 单", f"{row['cluster_size']} linked orders")[at]
            lines += [f"## {_escaped(row['cluster'])} · {linked} · {_escaped(row['linked_by'])}", ""]
        cluster = row["cluster"]
        due = row["due_at"].strftime("%m-%d %H:%M")
        lines += [f"### {_escaped(row['order_id'])} · {_escaped(row['band'])} · {('时限', 'due')[at]} {due}", ""]
        lines.append(f"- **{_escaped(row['reasons'])}**")
        if row["ask"]:
            lines.append(f"- {('核实要点：', 'Ask: ')[at]}{_escaped(row['ask'])}")
        for name in _SHOWN:
            if row[name] not in (None, ""):
                title = _WORDS[name][at] if name in _WORDS else heading(name, locale)
                lines.append(f"- {title}{('：', ': ')[at]}{_escaped(row[name])}")
        lines.append("")
    return "\n".join(lines) + "\n"


def short_cards(rows: pl.DataFrame, locale: str, room: int, names: Mapping[str, str]) -> str:
    """The first of these tasks as cards for a chat: order, due time, reasons, what to ask. No receiver; phones masked.

    Args:
        rows: task rows in the order of the sheet, `due_at` in the shop's zone.
        locale: language.
        room: bytes of UTF-8 that there are; what does not fit is counted in a last line.
        names: platform ids -> what people call them.
    """
    at = 0 if locale.startswith("zh") else 1
    safe = inert_frame(rows).with_columns(mask_phone(pl.col("reasons")), mask_phone(pl.col("ask")))
    cards_: list[str] = []
    left = len(rows)
    for row in safe.iter_rows(named=True):
        band = _BANDS[row["band"]][at]
        linked = (
            (f"，关联 {row['cluster_size']} 单", f", {row['cluster_size']} linked")[at]
            if row["cluster_size"] > 1
            else ""
        )
        head = f"【{band}】{names.get(row['platform'], row['platform'])} {row['order_id']}"
        lines = [f"{head}  {('时限', 'due')[at]} {row['due_at']:%m-%d %H:%M}{linked}", _one_line(row["reasons"])]
        if row["ask"]:
            lines.append(f"{('核实：', 'Ask: ')[at]}{_one_line(row['ask'])}")
        card = "\n".join(lines)
        rest = (f"其余 {left - 1} 单见任务表", f"{left - 1} more on the task sheet")[at] if left > 1 else ""
        if sum(len(c.encode()) + 2 for c in [*cards_, card, rest]) > room:
            break
        cards_.append(card)
        left -= 1
    if left:
        cards_.append((f"其余 {left} 单见任务表", f"{left} more on the task sheet")[at])
    return "\n\n".join(cards_)


_BANDS = {"hold": ("暂扣", "hold"), "review": ("复核", "review"), "pass": ("对照", "control")}


def _one_line(text: Any) -> str:
    return re.sub(r"\s+", " ", str(text))[:300]


def _escaped(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    text = re.sub(r"\s+", " ", str(value))
    return _MARKUP.sub(r"\\\1", text)
