"""Task sheets: what an agent fills in. One header row; all locked but the answer columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from orderguard.columns import heading
from orderguard.errors import json_text
from orderguard.outbox.book import Sheet, text_lines, write_book
from orderguard.outbox.cards import cards
from orderguard.outbox.flagged import BAND_WORDS, local, word
from orderguard.outbox.lists import write_csv
from orderguard.outbox.safe import inert_frame
from orderguard.staff import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

TASK_FORMATS = ("xlsx", "csv", "json", "md")
MOST = 20_000

RESULT = ("处置结果", "Result")
RESULTS = (("属实", "Confirmed"), ("误判", "False alarm"), ("需进一步调查", "Needs investigation"))
CODE = ("原因代码", "Reason code")
CODES = (
    ("联系不上", "Unreachable"), ("地址虚假", "False address"), ("刷单/套现", "Brushing"), ("重复下单", "Duplicate"),
    ("库存不足", "Out of stock"), ("本人确认正常", "Confirmed by receiver"), ("同一家庭/单位", "Same family or office"), ("其他", "Other"),
)  # fmt: skip
NOTE = ("备注", "Note")
_COLUMNS = (
    ("order_id", 22), ("result", 13), ("code", 14), ("note", 24), ("due_at", 12), ("band", 7), ("reasons", 52),
    ("ask", 36), ("receiver_name", 10), ("receiver_phone", 15), ("place", 40), ("amount", 11), ("currency", 9),
    ("items", 34), ("buyer_note", 24), ("created_at", 12), ("promised_at", 12), ("platform", 11), ("shop", 14),
    ("buyer_id", 16), ("ip", 15), ("cluster", 12), ("linked_by", 30), ("agent", 10), ("case_id", 15),
    ("batch", 23),
)  # fmt: skip
_ROUTINE = ("请核实该订单", "Please check this order")
_ASK = ("核对收货人、电话、地址与付款人是否相符", "Do receiver, phone, address and payer match?")
_PRINTED = 14
"""Columns on paper, up to the items: an A4 page stays readable."""

_TITLES = {
    "result": RESULT,
    "code": CODE,
    "note": NOTE,
    "reasons": ("原因", "Reasons"),
    "ask": ("核实要点", "Ask"),
    "place": ("收货地址", "Address"),
    "items": ("商品", "Items"),
    "batch": ("批次", "Batch"),
}


def write_tasks(
    folder: Path,
    cases: pl.DataFrame,
    locale: str,
    zone: str,
    batch: str,
    formats: Sequence[str] = ("xlsx",),
    numbers: Mapping[str, int] | None = None,
) -> dict[str, int]:
    """Write `<agent>.xlsx` for every agent with new cases.

    A workbook takes the first 20,000 orders; on a night with more, the rest is in `<agent>~2.csv`, which `verdict record`
    reads just so.

    Args:
        folder: `tasks/`.
        cases: new cases with the order's columns, `reasons`, `ask`; clusters stay together, soonest due first, and
            of those due at one time the held ones.
        locale, zone: of the rulebook.
        batch: the run or issue that writes them: an answer that comes back late is told by it.
        formats: of `TASK_FORMATS`; `md` is for reading only.
        numbers: of each agent's sheet, for its footer.

    Returns:
        Cases per agent.
    """
    if cases.is_empty():
        return {}
    folder.mkdir(parents=True, exist_ok=True)
    waits = (pl.col("band") != "hold").all().alias("_waits")  # by no more than that: a score would tell a control order
    first_due = cases.group_by("cluster").agg(pl.col("due_at").min().alias("_first"), waits)
    ordered = cases.join(first_due, on="cluster", maintain_order="left")
    ordered = ordered.sort("_first", "_waits", "cluster", "due_at", "order_id")
    own = [n for n, _ in _COLUMNS if n not in {"result", "code", "note", "place", "agent", "batch"}] + ["cluster_size"]
    bands = {k: word(w, locale) for k, w in BAND_WORDS.items()}
    # An order drawn for control looks like one to review: who knows which it is judges it differently.
    bands["pass"] = bands["review"]
    routine = pl.lit(word(_ROUTINE, locale))
    plain = (pl.col("band") == "pass") & (pl.col("reasons").is_null() | pl.col("reasons").is_in(["", "-"]))
    ordered = ordered.with_columns(
        reasons=pl.when(plain).then(routine).otherwise(pl.col("reasons")),
        ask=pl.when(plain).then(pl.lit(word(_ASK, locale))).otherwise(pl.col("ask")),
    )
    table = local(ordered.select("agent", _place(), pl.lit(batch).alias("batch"), *own), zone).with_columns(
        pl.col("band").replace(bands)
    )
    counts = {}
    for (agent,), part in table.partition_by("agent", as_dict=True, maintain_order=True).items():
        part = part.with_columns(pl.lit(shown(str(agent), locale)).alias("agent"))  # noqa: PLW2901
        if "xlsx" in formats:
            _write(folder / f"{agent}.xlsx", part.head(MOST), locale, (numbers or {}).get(str(agent)))
            if len(part) > MOST:
                write_csv(folder / f"{agent}~2.csv", _titled(part.slice(MOST), locale))
        if "csv" in formats:
            write_csv(folder / f"{agent}.csv", _titled(part, locale))
        if "json" in formats:
            text = json_text(inert_frame(_titled(part, locale)).to_dicts())
            (folder / f"{agent}.json").write_text(text + "\n", encoding="utf-8")
        if "md" in formats:
            (folder / f"{agent}.md").write_text(cards(part, locale), encoding="utf-8")
        counts[str(agent)] = len(part)
    return counts


def _place() -> pl.Expr:
    """The whole address, once: exports have its province, city and district beside it, some of them in it as well."""
    parts = province, city, district, address = [
        pl.col(c).fill_null("") for c in ("province", "city", "district", "address")
    ]
    spaced = pl.concat_str(parts, separator=" ").str.replace_all(r" {2,}", " ").str.strip_chars()
    stem = province.str.replace(r"(?:省|市|特别行政区|(?:壮族|回族|维吾尔)?自治区)$", "")
    inside = (city != "") & pl.any_horizontal(
        address.str.starts_with(pl.concat_str(begin, city)) for begin in (province, stem, stem + "省")
    )
    inside |= (city != "") & (district != "") & address.str.starts_with(pl.concat_str(city, district))
    told = pl.when(inside).then(address).otherwise(pl.concat_str(parts))
    return pl.when(address.str.contains(r"\p{Han}")).then(told).otherwise(spaced).alias("place")


def _titled(rows: pl.DataFrame, locale: str) -> pl.DataFrame:
    """Rows under the headings of the sheet, the answer columns empty, times as text."""
    names = [n for n, _ in _COLUMNS]
    titles = {n: word(_TITLES[n], locale) if n in _TITLES else heading(n, locale) for n in names}
    blank = [pl.lit(None, dtype=pl.String).alias(n) for n in ("result", "code", "note")]
    times = [pl.col(c).dt.strftime("%Y-%m-%d %H:%M:%S") for c, t in rows.schema.items() if isinstance(t, pl.Datetime)]
    return rows.with_columns(*blank, *times).select(names).rename(titles)


_WRAPPED = ("reasons", "ask", "place", "items", "buyer_note")
_STYLES = {
    "order_id": "card_bold", "reasons": "card_bold", "amount": "card_money", "due_at": "card_due",
    "created_at": "card_time", "promised_at": "card_time", "result": "answer", "code": "answer", "note": "answer",
}  # fmt: skip


def _write(path: Path, rows: pl.DataFrame, locale: str, number: int | None) -> None:
    def setup(page: Any, last: int) -> None:
        page.data_validation(1, 1, last, 1, _choice(RESULTS, locale))
        page.data_validation(1, 2, last, 2, _choice(CODES, locale))
        page.protect("", {"autofilter": True, "sort": True, "format_columns": True, "format_rows": True})
        page.print_area(0, 0, last, _PRINTED - 1)
        page.set_margins(left=0.3, right=0.3, top=0.4, bottom=0.5)
        told = "" if number is None else word((f" 第 {number} 张", f" no. {number}"), locale)
        page.set_footer(f"&L&A{told}&R&P / &N")

    names = [n for n, _ in _COLUMNS]
    titles = {n: word(_TITLES[n], locale) if n in _TITLES else heading(n, locale) for n in names}
    blank = [pl.lit(None, dtype=pl.String).alias(n) for n in ("result", "code", "note")]
    sheet = Sheet(
        name=word(("任务", "Tasks"), locale),
        frame=rows.with_columns(blank).select(names).rename(titles),
        widths=[float(w) for _, w in _COLUMNS],
        styles=[_STYLES.get(n, "card") for n in names],
        variants={titles["band"]: {word(BAND_WORDS["hold"], locale): "card_hold"}},
        heads={titles[n]: "answer_head" for n in ("result", "code", "note")},
        lines=text_lines(rows, {n: float(w) for n, w in _COLUMNS if n in _WRAPPED}),
        frozen=2,
        setup=setup,
    )
    write_book(path, [sheet])


def _choice(pairs: tuple[tuple[str, str], ...], locale: str) -> dict[str, Any]:
    said = ("请从下拉列表中选择", "Choose from the list")
    source = [word(p, locale) for p in pairs]
    return {"validate": "list", "source": source, "error_title": "orderguard", "error_message": word(said, locale)}
