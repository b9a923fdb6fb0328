"""Route and cases: what is new, who gets it, and what an earlier run could not deliver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from orderguard.columns import INSTANT, KEY
from orderguard.enrich.addresses import parse_addresses
from orderguard.enrich.facts import Origins, add_facts
from orderguard.ledger.cases import OPEN, case_ids
from orderguard.route import assign, due_times, link
from orderguard.rules.book import say
from orderguard.stages.ending import catch_up, turns
from orderguard.stages.numbering import numbered

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from orderguard.ledger import CaseBook, History
    from orderguard.route import Due, Team
    from orderguard.rules import Rulebook
    from orderguard.stages.desk import Desk
    from orderguard.stages.ending import Turns
    from orderguard.stages.engines import Found
    from orderguard.stages.judging import Judged

_LINK_FACTS = ("phone_key", "address_key")
_LINKED_BY = (*KEY, "ip", "device_id", "buyer_id", "burst", "receiver_phone", "address", "province", "city", "district")
_RAISED: dict[str, Any] = {
    "case_id": pl.String,
    "band": pl.String,
    "score": pl.Float64,
    "evidence": pl.String,
    "reopen": pl.Boolean,
    "to_hold": pl.Boolean,
    "due_at": INSTANT,
    "resumed": pl.Boolean,
    "heard_at": pl.Int64,
}


class Flagged(NamedTuple):
    """Orders that concern cases.

    Attributes:
        orders: see `flagged_orders`, with `region`.
        before: earlier orders of bursts that go on, with `case_id`: nothing is new of them, but their tasks take the
            new ones in.
    """

    orders: pl.DataFrame
    before: pl.DataFrame


class Standing(NamedTuple):
    """Flagged orders, and what the ledger has of them.

    Attributes:
        orders, before: as in `Flagged`, without those that were let go and bring nothing new.
        known: cases of the flagged orders from before this run.
        turned: cases that this run's exports end and bring back.
        released: how many orders are left out because they were let go.
    """

    orders: pl.DataFrame
    before: pl.DataFrame
    known: pl.DataFrame
    turned: Turns
    released: int


class Opened(NamedTuple):
    """Cases that a run opens.

    Attributes:
        new: linked, timed and assigned, a row of the order each; those drawn for control behind the flagged ones.
        raised: known cases with new evidence, or whose orders are live again (`_RAISED`).
    """

    new: pl.DataFrame
    raised: pl.DataFrame


def flag(desk: Desk, judged: Judged) -> Flagged:
    """The orders that are under review or held, with all that a case or a sheet is made of."""
    before = judged.frame[judged.told_before].with_columns(burst=pl.lit(value=True))
    return Flagged(
        with_region(flagged_orders(judged, desk.book, desk.ids), desk.team),
        before.with_columns(case_ids(before, desk.ids)),
    )


def flagged_orders(
    judged: Judged, book: Rulebook, ids: Mapping[str, str], rows: pl.Series | None = None
) -> pl.DataFrame:
    """Flagged orders (or those of `rows`) with `case_id score band reasons ask evidence burst`, highest score first."""
    if rows is None:
        rows = judged.decisions["band"].ne("pass").arg_true().cast(pl.UInt32)
    # Put in order by the key alone, so that the wide rows of a million flagged orders are copied once.
    keys = judged.decisions[rows].select(pl.lit(rows).alias("row"), "score", "band", *KEY)
    keys = keys.sort("score", *KEY, descending=[True, False, False], maintain_order=True)
    told = keys.select("row").join(tell(judged.findings, book, "row"), on="row", how="left", maintain_order="left")
    beside = [*keys.select("row", "score", "band").get_columns(), *told.drop("row").get_columns(), case_ids(keys, ids)]
    return judged.frame[keys["row"]].with_columns(beside)


def with_region(flagged: pl.DataFrame, team: Team) -> pl.DataFrame:
    """`flagged` with the receiver's province as `region`, parsed from the address where somebody asks for it."""
    if team.agents or team.managers:
        parsed = parse_addresses(flagged.select("province", "city", "district", "address"))
        return flagged.with_columns(parsed["addr_province"].alias("region"))
    return flagged.with_columns(region=pl.col("province"))


def settle(desk: Desk, found: Found, flagged: Flagged) -> tuple[Judged, Standing]:
    """What the ledger has of the flagged orders, and what was found once those that were let go are not flagged again."""
    catch_up(desk.ledger, desk.book, desk.now)
    orders, known = numbered(flagged.orders, desk.cases)
    turned = turns(desk, found, orders, known)
    judged, orders, released = _let_go(found.judged, orders, known)
    return judged, Standing(orders, flagged.before, known, turned, released)


def _let_go(judged: Judged, flagged: pl.DataFrame, known: pl.DataFrame) -> tuple[Judged, pl.DataFrame, int]:
    """Orders that were released are not flagged again on the same evidence: their band is `pass`.

    Returns:
        The decisions and flagged orders without them, and how many they are.
    """
    released = known.filter(pl.col("state") == "released")
    if released.is_empty():
        return judged, flagged, 0
    beside = flagged.select("case_id", "row", "evidence").join(
        released.select("case_id", "evidence"), on="case_id", suffix="_old"
    )
    rows = [
        row
        for row, now, old in beside.select("row", "evidence", "evidence_old").iter_rows()
        if set(now.split(",")) <= set(old.split(","))
    ]
    gone = pl.Series(rows, dtype=pl.UInt32)
    band = judged.decisions["band"].scatter(gone, "pass") if rows else judged.decisions["band"]
    decisions = judged.decisions.with_columns(band.alias("band"))
    return judged._replace(decisions=decisions), flagged.filter(~pl.col("row").is_in(gone.implode())), len(rows)


def tell(findings: pl.DataFrame, book: Rulebook, by: str | list[str]) -> pl.DataFrame:
    """Findings that count joined per order, in no order: `reasons ask evidence burst`."""
    bursts = [r.id for r in book.active if r.settings.reach().within is not None]
    asks = {r.id: say(r.ask, book.locale) for r in book.rules}
    comma = "；" if book.locale.startswith("zh") else "; "
    ask = pl.col("rule_id").replace_strict(asks, default="", return_dtype=pl.String)
    live = {name for profile in book.profiles for name in profile.points}
    said = findings.filter(pl.col("rule_id").is_in(sorted(live)) & (pl.col("status") == "live")).with_columns(
        ask=pl.when(ask != "").then(ask),
        mark=pl.col("rule_id") + "@" + pl.col("rule_fingerprint"),
        burst=pl.col("rule_id").is_in(bursts),
    )
    keys = [by] if isinstance(by, str) else by
    once = said.select(keys).is_unique()  # most orders: there is nothing to join
    alone = said.filter(once).select(
        *keys, reasons="reason", ask=pl.col("ask").fill_null(""), evidence="mark", burst="burst"
    )
    several = (
        said.filter(~once)
        .group_by(keys, maintain_order=True)
        .agg(
            pl.col("reason").str.join(comma).alias("reasons"),
            pl.col("ask").drop_nulls().str.join(comma),
            pl.col("mark").sort().str.join(",").alias("evidence"),
            pl.col("burst").any(),
        )
    )
    return pl.concat([alone, several])


def open_cases(desk: Desk, standing: Standing) -> Opened:
    """New cases (linked, timed, assigned), and known cases with new evidence or whose orders are live again.

    A new order that shares something with a known one, in this input or in its burst, joins its cluster and goes to the
    same agent: one ring is one call, also where it grows from minute to minute.
    """
    flagged, known, turned = standing.orders, standing.known, standing.turned
    opened = flagged.filter(~pl.col("case_id").is_in(known["case_id"].implode())) if len(known) else flagged
    if opened["case_id"].n_unique() < len(opened):  # seldom; and a copy of a million wide rows is a gigabyte
        opened = opened.unique("case_id", keep="first", maintain_order=True)
    around = _around(standing, desk.cases) if len(opened) else opened
    opened = routed(desk, opened, turned.load(desk.cases.load(), known), around)
    return Opened(opened, _raised(flagged, known, desk.now, desk.team.due, turned.resumed))


def _around(standing: Standing, cases: CaseBook) -> pl.DataFrame:
    """Known orders that new ones may belong to, with `cluster` and `agent` of their cases."""
    flagged, before, known = standing.orders, standing.before, standing.known
    rows = [flagged.filter(pl.col("case_id").is_in(known["case_id"].implode())), before]
    cases_of = pl.concat([known, cases.known(before["case_id"])]) if len(before) else known
    names = ["case_id", *_LINKED_BY, *(n for n in _LINK_FACTS if n in flagged.columns)]
    both = pl.concat([r.select(names) for r in rows if len(r)] or [flagged.clear().select(names)])
    # What was let go keeps nobody, unless it is flagged again, on new evidence.
    live = (pl.col("state") != "released") | pl.col("case_id").is_in(flagged["case_id"].implode())
    of = cases_of.filter(live).select("case_id", "cluster", "agent")
    return both.unique("case_id", maintain_order=True).join(of.unique("case_id"), on="case_id", maintain_order="left")


def routed(
    desk: Desk, opened: pl.DataFrame, load: Mapping[str, int], around: pl.DataFrame | None = None
) -> pl.DataFrame:
    """New cases linked, timed and assigned; those that share something with orders `around` them join their clusters.

    Args:
        desk: tells the team, the clock and the language.
        opened: flagged orders without a case.
        load: open cases per agent.
        around: orders that have a case, with its `cluster agent`.
    """
    lacking = {c for c in _LINK_FACTS if c not in opened.columns}
    opened = add_facts(opened, lacking, {}, Origins())
    keep: dict[str, str] = {}
    if around is None or around.is_empty():
        linked = link(opened, desk.book.locale, desk.ids)
    else:
        around = add_facts(around, lacking, {}, Origins())
        names = [*_LINKED_BY, *_LINK_FACTS]
        linked, keep = _joined(
            link(pl.concat([opened.select(names), around.select(names)]), desk.book.locale, desk.ids), around
        )
    opened = opened.with_columns(
        linked["cluster"],
        linked["cluster_size"],
        linked["linked_by"],
        due_times(opened["band"], opened["promised_at"], desk.now, desk.team.due),
    )
    return opened.with_columns(assign(opened, desk.team, load, desk.synonyms, keep).alias("agent"))


def _joined(linked: pl.DataFrame, around: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, str]]:
    """The new orders' links, in the clusters that were there already, and the agents of these."""
    new, old = linked[: len(linked) - len(around)], linked[len(linked) - len(around) :]
    had = old.select("cluster", was=around["cluster"], agent=around["agent"])
    # Where several meet, the one with most orders takes the new ones in.
    had = had.group_by("cluster", "was", "agent").len().sort("len", "was", "agent", descending=[True, False, False])
    had = had.unique("cluster", keep="first", maintain_order=True)
    new = new.join(had, on="cluster", how="left", maintain_order="left")
    new = new.with_columns(cluster=pl.coalesce("was", "cluster"))
    return new, dict(had.select("was", "agent").iter_rows())


def _raised(
    flagged: pl.DataFrame, known: pl.DataFrame, now: datetime, due: Due, resumed: Mapping[str, int]
) -> pl.DataFrame:
    if known.is_empty():
        return pl.DataFrame(schema=_RAISED)
    names = ("case_id", "state", "band", "evidence", "hold_run", "ended", "due_at")
    told = flagged.with_columns(due_times(flagged["band"], flagged["promised_at"], now, due)).select(
        "case_id", "band", "score", "evidence", "due_at"
    )
    beside = told.join(known.select(names), on="case_id", suffix="_old").unique(
        "case_id", keep="first", maintain_order=True
    )
    rows = []
    for row in beside.iter_rows(named=True):
        marks, before = set(row["evidence"].split(",")), set(filter(None, row["evidence_old"].split(",")))
        now_held = row["band"] == "hold" and row["band_old"] != "hold" and row["state"] in OPEN
        back = row["case_id"] in resumed
        # Drawn for control until now: whoever had it on a sheet was told no reason.
        drawn = row["band_old"] == "pass"
        if row["ended"] is not None and not back:
            continue  # nothing of it can be held; what was found counts when it is live again
        if marks - before or now_held or back or drawn:
            band = "hold" if "hold" in (row["band"], row["band_old"]) else row["band"]
            # What was found true needs no second look; what was let go does, and so does what nobody had looked at.
            reopen = row["state"] == "over" or (row["state"] == "released" and bool(marks - before))
            reopen |= drawn and row["state"] in OPEN
            due_at = row["due_at"] if reopen or back else min(row["due_at"], row["due_at_old"])
            unlisted = row["hold_run"] is None or back
            to_hold = band == "hold" and (reopen or (unlisted and row["state"] != "released"))
            rows.append((
                row["case_id"], band, row["score"], ",".join(sorted(marks | before)), reopen, to_hold, due_at, back,
                resumed.get(row["case_id"], 0),
            ))  # fmt: skip
    return pl.DataFrame(rows, schema=_RAISED, orient="row")


def task_rows(chosen: pl.DataFrame, cases: CaseBook, history: History, book: Rulebook) -> pl.DataFrame:
    """Cases of the ledger with their orders, reasons and what to ask, as a task sheet shows them."""
    orders = history.find(chosen)
    told = tell(cases.findings_of(chosen), book, ["platform", "order_id"])
    rows = chosen.join(orders, on=KEY, how="left", maintain_order="left").join(
        told, on=KEY, how="left", maintain_order="left"
    )
    return rows.with_columns(
        cluster_size=pl.len().over("cluster").cast(pl.Int64), reasons=pl.col("reasons").fill_null("-")
    )
