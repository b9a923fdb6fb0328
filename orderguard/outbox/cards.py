"""Task sheets as Markdown: a card for each order, linked ones together. For reading; answers go into xlsx, csv or json."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from orderguard.columns import heading
from orderguard.outbox.safe import inert_frame

if TYPE_CHECKING:
    import polars as pl

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
            lines += [f"## {_plain(row['cluster'])} · {linked} · {_plain(row['linked_by'])}", ""]
        cluster = row["cluster"]
        due = row["due_at"].strftime("%m-%d %H:%M")
        lines += [f"### {_plain(row['order_id'])} · {_plain(row['band'])} · {('时限', 'due')[at]} {due}", ""]
        lines.append(f"- **{_plain(row['reasons'])}**")
        if row["ask"]:
            lines.append(f"- {('核实要点', 'Ask')[at]}：{_plain(row['ask'])}")
        for name in _SHOWN:
            if row[name] not in (None, ""):
                title = _WORDS[name][at] if name in _WORDS else heading(name, locale)
                lines.append(f"- {title}：{_plain(row[name])}")
        lines.append("")
    return "\n".join(lines) + "\n"


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    text = re.sub(r"\s+", " ", str(value))
    return _MARKUP.sub(r"\\\1", text)
