"""The order of the rooms: the whole house on one screen."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from orderguard.columns import KEY
from orderguard.errors import OrderguardError, Problem, Words, unable
from orderguard.ledger import open_ledger
from orderguard.outbox import check_place, retell
from orderguard.platforms import load_profiles
from orderguard.stages.bridge import check_target, export_back
from orderguard.stages.casework import flag, open_cases, settle
from orderguard.stages.delivery import deliver
from orderguard.stages.desk import Desk
from orderguard.stages.drawing import draw, unanswered
from orderguard.stages.engines import read_inputs
from orderguard.stages.handing import Casework, hand_over
from orderguard.stages.judging import check_places
from orderguard.stages.options import Clock, Options, Scan
from orderguard.stages.recording import account, record
from orderguard.stages.tables import equip, stocked
from orderguard.stages.telling import remarks

if TYPE_CHECKING:
    from pathlib import Path


def scan(options: Options) -> Scan:
    """Audit the inputs, remember, and leave the outputs.

    Raises:
        OrderguardError: nothing could be read, or the configuration is wrong (exit code 2).
        DeliveryError: the ledger has everything, but the output could not be written (exit code 3).
    """
    book = equip(stocked(options.book, options.stock), options.now, options.stock)
    return _scan(replace(options, book=book, team=options.team.at(options.now, book.timezone)))


def _scan(options: Options) -> Scan:
    clock = Clock()
    check_place(options.out)
    check_places(options.book)
    check_target(options.export_to)
    profiles = load_profiles(options.platforms_dir)
    with clock.room("read"):
        inputs = read_inputs(options, profiles)
    with clock.room("ledger"):
        desk = Desk(options, profiles, open_ledger(options.ledger, options.heed))
    try:
        found = inputs.judge(desk, clock)
        problems = found.read.problems
        with clock.room("rules"):
            problems += remarks(options.book, found.read, found.judged, profiles)
            flagged = flag(desk, found.judged)
            if not options.sample:  # a draw looks at all orders again; nothing else does
                thin = found.judged.frame.select(*KEY, "created_at", "past")
                found = found._replace(judged=found.judged._replace(frame=thin))
        with clock.room("route"):
            judged, standing = settle(desk, found, flagged)
            del flagged  # of a million wide rows two frames are too many
            found = found._replace(judged=judged)
            opened, drawn = draw(desk, judged, open_cases(desk, standing))
            problems += unanswered(opened.new, drawn, options)
            casework = Casework(standing, opened, drawn, hand_over(desk, standing, opened))
            problems += casework.handed.notices
        with clock.room("ledger"):
            run = account(desk, found, casework)
            record(desk, found, casework, run)
        with clock.room("outbox"):
            lost = export_back(desk, judged, run)
            deliver(desk, found, casework, run, clock)
    except (OSError, sqlite3.Error) as error:
        raise _unwritten(options.ledger, error) from error
    finally:
        desk.history.finish()
        desk.ledger.close()
        inputs.close()
    if options.notify:
        with clock.room("notify"):
            lost += _notified(desk, run)
        retell(options.out, run)
    run["timings"] = {k: round(v, 3) for k, v in clock.rooms.items()}
    missing = ("failed" in run.get("exported", ())) + (run["notices"]["failed"] if options.notify else 0)
    return Scan(run, [*problems, *lost], missing)


def _unwritten(ledger: Path, error: OSError | sqlite3.Error) -> OrderguardError:
    what = unable(Words("台账无法写入", "the ledger cannot be written"), error)
    fix = Words(
        "检查磁盘空间与权限后再扫一次；这次什么都没有记下",
        "check disk space and rights, scan again; nothing was recorded this time",
    )
    return OrderguardError(Problem(what, str(ledger), fix=fix))


def _notified(desk: Desk, run: dict[str, Any]) -> list[Problem]:
    """Send what is due: notices of cases, and alarms about rules."""
    from orderguard.stages.alarms import ring  # noqa: PLC0415 - only with --notify
    from orderguard.stages.notices import tell  # noqa: PLC0415

    run["notices"], lost = tell(desk.options, desk.names)
    rung, unheard = ring(desk.options, run["demoted"])
    run["notices"]["sent"] += rung
    run["notices"]["failed"] += len(unheard)
    return [*lost, *unheard]
