"""Facts that the exports lack, from `--lookup` files."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from orderguard.columns import heading
from orderguard.errors import OrderguardError, Problem, Words
from orderguard.frames import platform_id
from orderguard.ingest import find_sources, read_source
from orderguard.normalise import Recipe, type_table
from orderguard.platforms import Pick
from orderguard.platforms.recognise import platform_ids, present

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from orderguard.ingest import Table
    from orderguard.platforms import Profile
    from orderguard.stages.options import Options

_LOOKED_UP = ("registered_at", "prior_orders", "ip", "device_id", "ship_from", "promised_at")
_PLATFORM = ("平台", "platform", "marketplace")
_NO_ID = "_og_row"
_SPELL = Words("核对这一列与导出里的写法是否一致", "check that it is written as in the exports")


def with_lookups(
    rows: pl.DataFrame,
    options: Options,
    profiles: Sequence[Profile],
    score: Callable[[Sequence[str]], float],
    problems: list[Problem],
) -> pl.DataFrame:
    """Fill facts that the exports lack from `--lookup` files: by order number where they have it, else by account.

    Raises:
        OrderguardError: a lookup that cannot be read, or has no key column.
    """
    generic = next(p for p in profiles if p.platform == "generic")
    for path in options.lookups:
        source = read_source(find_sources([path])[0], score, options.passwords)
        if source.problems:
            raise OrderguardError(*source.problems)
        for table in source.tables:
            rows = _joined(rows, table, options, generic, platform_ids(profiles), problems)
    return rows


def _joined(
    rows: pl.DataFrame,
    table: Table,
    options: Options,
    generic: Profile,
    ids: Mapping[str, str],
    problems: list[Problem],
) -> pl.DataFrame:
    headings = [c for c in table.frame.columns if c != "source_row"]
    picks = {n: p for n in ("order_id", "buyer_id", *_LOOKED_UP) if (p := present(generic.pick(n), headings))}
    keys = [k for k in ("order_id", "buyer_id") if k in picks]
    # 渠道 of an account file is where the customer came from: only a heading that says platform is one.
    whose = present(generic.pick("platform"), [h for h in headings if any(w in h.casefold() for w in _PLATFORM)])
    got = [n for n in _LOOKED_UP if n in picks]
    if not keys or not got:
        what = Words(
            "--lookup 文件里没有订单编号/买家账号列，或没有可补的列",
            "the --lookup file has no order number or account column, or nothing to add",
        )
        fix = Words(
            "可补：注册时间、历史订单数、下单IP、设备号", "it may add: registered_at, prior_orders, ip, device_id"
        )
        raise OrderguardError(Problem(what, table.source, fix=fix))
    recipe = Recipe("lookup", picks, (), options.book.timezone, options.book.locale, options.date_order)
    # A row without an order number would be rejected; here it is not one: numbers of our own stand in.
    number = pl.concat_str(pl.lit(_NO_ID), pl.col("source_row").cast(pl.String)).alias(_NO_ID)
    sources = (*picks["order_id"].sources, _NO_ID) if "order_id" in picks else (_NO_ID,)
    recipe = replace(
        recipe, picks={**picks, **({"platform": whose} if whose else {}), "order_id": Pick("first", sources)}
    )
    typed = type_table(table.frame.with_columns(number), table.source, recipe)
    problems += typed.notes
    met = False
    word = platform_id(ids)
    rows = rows.with_columns(_whose=word)
    known = rows["_whose"].unique().implode()
    # The same account on two platforms is two people's; a word that no order has says nothing.
    facts_of = typed.rows.with_columns(_whose=pl.when(word.is_in(known) | word.is_in([*ids.values()])).then(word))
    for key in keys:
        own = pl.col("order_id").str.starts_with(_NO_ID)
        facts = facts_of.filter(
            pl.col(key).is_not_null() & (~own if key == "order_id" else own | ("order_id" not in picks))
        )
        # Several rows of one account complete each other; where they differ, the first in sorting order counts.
        for on, some in (
            ([key, "_whose"], facts.filter(pl.col("_whose").is_not_null())),
            ([key], facts.filter(pl.col("_whose").is_null())),
        ):
            one = (
                some.sort(*on, *got, nulls_last=True)
                .group_by(on, maintain_order=True)
                .agg(pl.col(got).drop_nulls().first())
            )
            found = rows.select(on).join(one.with_columns(_met=True), on=on, how="left", maintain_order="left")
            met = met or bool(found["_met"].any())
            rows = rows.with_columns([pl.coalesce(pl.col(n), pl.lit(found[n])).alias(n) for n in got])
    if not met:
        name = heading(keys[0], options.book.locale)
        problems.append(
            Problem(
                Words(f"没有一单能按“{name}”对上", f"matches no order by '{name}'"),
                table.source,
                fix=_SPELL,
                fatal=False,
            )
        )
    return rows.drop("_whose")
