"""The order of the rooms: the whole house on one screen."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from orderguard import __version__
from orderguard.columns import KEY
from orderguard.errors import OrderguardError, Problem, Words, unable
from orderguard.ledger import CaseBook, History, open_ledger
from orderguard.ledger.drawn import pending_doubles
from orderguard.ledger.history import QUARTER
from orderguard.outbox import check_place, retell
from orderguard.platforms import load_profiles, platform_ids, platform_words
from orderguard.stages.bridge import check_target, export_back
from orderguard.stages.casework import flagged_orders, open_cases, settle, told_before, undelivered, with_region
from orderguard.stages.delivery import Work, deliver
from orderguard.stages.drawing import draw, unanswered
from orderguard.stages.ending import Ages, catch_up, turns, with_ages
from orderguard.stages.engines import read_inputs
from orderguard.stages.handing import here_of, take_over
from orderguard.stages.judging import Judged, check_places
from orderguard.stages.options import Clock, Options, Scan
from orderguard.stages.tables import equip, expired, stocked
from orderguard.stages.telling import demotions, overlap, profiles_held, told_apart, unheard_statuses
from orderguard.stages.weighing import notes

if TYPE_CHECKING:
    from orderguard.stages.reading import Read


def scan(options: Options) -> Scan:
    """Audit the inputs, remember, and leave the outputs.

    Raises:
        OrderguardError: nothing could be read, or the configuration is wrong (exit code 2).
        DeliveryError: the ledger has everything, but the output could not be written (exit code 3).
    """
    return _scan(replace(options, book=equip(stocked(options.book, options.stock), options.now, options.stock)))


def _scan(options: Options) -> Scan:  # noqa: PLR0915 - one call a room
    book, clock = options.book, Clock()
    options = replace(options, team=options.team.at(options.now, book.timezone))
    check_place(options.out)
    check_places(book)
    check_target(options.export_to)
    profiles = load_profiles(options.platforms_dir)
    synonyms, ids = platform_words(profiles), platform_ids(profiles)
    with clock.room("read"):
        inputs = read_inputs(options, profiles)
    with clock.room("ledger"):
        ledger = open_ledger(options.ledger, options.tell)
        cases, history = CaseBook(ledger), History(ledger)
    try:
        read, judged, files = inputs.judge(cases, history, clock)
        with clock.room("rules"):
            judged = judged._replace(demoted=told_apart(judged.demoted, cases.demoted_before()))
            read.problems += [*notes(book), *demotions(judged.demoted, book)]
            if book.only_status:
                read.problems += unheard_statuses(book, read.orders["status"], profiles)
            flagged = with_region(flagged_orders(judged, book, ids), options.team)
            before = told_before(judged, ids)
            if not options.sample:  # a draw looks at all orders again; nothing else does
                judged = judged._replace(frame=judged.frame.select(*KEY, "created_at", "past"))
        with clock.room("route"):
            catch_up(ledger, book, options.now)
            known, written = cases.known(flagged["case_id"]), files()
            ages = Ages(options, read.files, ledger)
            turned = turns(read.orders, judged, flagged, known, written, ages, ledger, book, ids)
            judged, flagged, released = settle(judged, flagged, known)
            opened, raised = open_cases(
                flagged, known, before, cases, options.team, synonyms, options.now, book.locale, turned
            )
            resting = here_of(cases.resting(options.team.every, options.now), options.team)
            new, drawn = draw(judged, opened, options, cases, synonyms, ids)
            read.problems += unanswered(new, drawn, options)
            late = undelivered(cases, history, book, opened, resting)
            late = late.filter(~pl.col("case_id").is_in(turned.ended["case_id"].implode()))
            handed = take_over(
                new, raised, flagged, known, late, cases, options.team, turned.load(cases.load(), known), synonyms
            )
            known, late = handed.known, handed.late
            read.problems += handed.notices
            work = Work(new, raised, flagged, late, known, book.locale, resting)
        with clock.room("ledger"):
            run = _told(options, read, judged, opened) | {
                "released_before": released,
                "sampled": len(new) - len(opened),
                "doubled": len(drawn.doubles),
                "ended": turned.counts(),
                "resumed": len(turned.resumed),
            }
            traffic = history.traffic.with_columns(
                pl.col("quarter").fill_null(-int(options.now.timestamp() // QUARTER))
            )
            recorded = _recorded(judged, options)
            new = with_ages(new, ages)
            cases.record(
                run, written, recorded, new, raised, options.now, traffic, read.marks, drawn, turned.ended, handed.cases
            )
            work.second(pending_doubles(ledger))
        with clock.room("outbox"):
            names = {p.platform: p.name["zh" if book.locale.startswith("zh") else "en"] for p in profiles}
            called = {word: names[platform] for word, platform in ids.items()}
            lost = export_back(options.export_to, run, judged, recorded, cases)
            rows = _with_case(flagged, opened, known) if "workbook" in options.outputs else flagged.clear()
            actions = partial(options.team.on_timeout.of, synonyms=synonyms)
            deliver(options, run, clock, read, judged, rows, work, cases, names, called, actions)
    except (OSError, sqlite3.Error) as error:
        what = unable(Words("台账无法写入", "the ledger cannot be written"), error)
        fix = Words(
            "检查磁盘空间与权限后再扫一次；这次什么都没有记下",
            "check disk space and rights, scan again; nothing was recorded this time",
        )
        raise OrderguardError(Problem(what, str(options.ledger), fix=fix)) from error
    finally:
        history.finish()
        ledger.close()
        inputs.close()
    if options.notify:
        with clock.room("notify"):
            lost += _notified(options, run, names)
        retell(options.out, run)
    run["timings"] = {k: round(v, 3) for k, v in clock.rooms.items()}
    missing = ("failed" in run.get("exported", ())) + (run["notices"]["failed"] if options.notify else 0)
    return Scan(run, [*read.problems, *lost], missing)


def _notified(options: Options, run: dict[str, Any], names: dict[str, str]) -> list[Problem]:
    """Send what is due: notices of cases, and alarms about rules."""
    from orderguard.stages.alarms import ring  # noqa: PLC0415 - only with --notify
    from orderguard.stages.notices import tell  # noqa: PLC0415

    run["notices"], lost = tell(options, names)
    rung, unheard = ring(options, run["demoted"])
    run["notices"]["sent"] += rung
    run["notices"]["failed"] += len(unheard)
    return [*lost, *unheard]


def _recorded(judged: Judged, options: Options) -> pl.DataFrame:
    # An undated order counts from when it was first seen.
    made = (
        judged.frame["created_at"].gather(judged.findings["row"]).dt.epoch("s").fill_null(int(options.now.timestamp()))
    )
    return judged.findings.with_columns(ordered_at=made)


def _with_case(flagged: pl.DataFrame, opened: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """Flagged orders with the case they belong to, whether it was opened now or earlier."""
    names = ["case_id", "cluster", "linked_by", "agent", "due_at"]
    case = pl.concat([opened.select(names), known.select(names)])
    told = flagged.join(case, on="case_id", how="left", maintain_order="left")
    return told.with_columns(cluster_size=pl.len().over("cluster").cast(pl.Int64))


def _told(options: Options, read: Read, judged: Judged, opened: pl.DataFrame) -> dict[str, Any]:
    """`run.json`, but for what only delivery knows. read = clean + flagged + rejected, in sum and per file."""
    current = judged.decisions[: len(read.orders)]
    bands = dict(current["band"].value_counts().iter_rows())
    flagged = read.orders.filter(current["band"] != "pass")["source_file"].value_counts()
    per_file = dict(flagged.iter_rows())
    spans = _spans(read)
    for file in read.files:
        file["first_order_at"], file["last_order_at"] = spans.get(file["file"], (None, None))
        file["flagged"] = per_file.get(file["file"], 0)
        file["clean"] = file["read"] - file["rejected"] - file["flagged"]
    total = {n: sum(f[n] for f in read.files) for n in ("rows", "folded", "read", "clean", "flagged", "rejected")}
    book = options.book
    return {
        "run_id": options.run_id,
        "version": __version__,
        "started_at": options.now.isoformat(timespec="seconds"),
        "local_time": options.now.astimezone(ZoneInfo(book.timezone)).strftime("%Y-%m-%d %H:%M:%S"),
        "locale": book.locale,
        "timezone": book.timezone,
        "rulebook": {"path": book.source, "sha256": book.sha256, "rules": len(book.active)},
        "weights": book.weights.told(book.locale) if book.weights else None,
        "bands": {"review": book.bands.review, "hold": book.bands.hold},
        "inputs": read.files,
        **total,
        "held": bands.get("hold", 0),
        "review": bands.get("review", 0),
        "skipped": judged.skipped,
        "skipped_by_stage": dict(judged.skipped_by_stage),
        "past_flagged": int((judged.decisions["band"][len(read.orders) :] != "pass").sum()),
        "snoozed": int((judged.findings["status"] == "snoozed").sum()),
        "new_cases": len(opened),
        "demoted": judged.demoted,
        "trial": overlap(judged, len(read.orders), book),
        "profiles": profiles_held(current, judged.passed, book),
        "coverage": judged.coverage.drop("platform").group_by("rule_id", maintain_order=True).sum().to_dicts(),
        "coverage_by_platform": judged.coverage.to_dicts(),
        "expired_entries": expired(book)[0],
        "problems": [
            {"text": p.text(book.locale), "file": p.where, "row": p.line, "fatal": p.fatal} for p in read.problems
        ],
        "tasks": {},
        "sheets": {},
        "waiting": {},
        "holds": {},
    }


def _spans(read: Read) -> dict[str, tuple[str | None, str | None]]:
    """First and last order of each file: what tells a late file, and a report which runs touch its month."""
    ends = [pl.col("created_at").min().alias("first"), pl.col("created_at").max().alias("last")]
    spans = read.orders.group_by("source_file").agg(ends)
    if read.spans is not None:
        rows = [(file, *ends) for file, ends in read.spans.items()]
        spans = pl.DataFrame(rows, schema=spans.schema, orient="row")
    stamps = spans.with_columns(pl.col("first", "last").dt.strftime("%Y-%m-%dT%H:%M:%S+00:00"))
    return {file: (first, last) for file, first, last in stamps.iter_rows()}
