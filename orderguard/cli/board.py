"""`orderguard board`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from orderguard.cli.options import json_option, ledger_option, locale_option, out_option, platforms_option, rules_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from orderguard.rules import Rulebook


@click.command()
@ledger_option
@out_option(".", "写到哪个目录 / folder to write to")
@click.option(
    "--serve", is_flag=True, help="在本机浏览器里看（只读、要口令）/ serve it on 127.0.0.1, read only, with a token"
)
@click.option("--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0：任选 / 0 picks one")
@rules_option
@platforms_option
@locale_option()
@json_option("只把数字打到标准输出 / print the figures instead")
def board(**given: Any) -> None:
    """此刻的看板：board.html，或用 --serve 在本机看。 What is going on now, as a page."""
    from datetime import UTC, datetime

    from orderguard.cli.common import find_rulebook, print_json
    from orderguard.errors import DeliveryError, Problem, Words, unable
    from orderguard.outbox.board_page import write_board
    from orderguard.platforms import load_profiles, names_of_words
    from orderguard.stages.boarding import BOARD, board_in

    book = find_rulebook(given["rules_file"])
    locale, folder = given["locale"] or book.locale, Path(given["ledger"])
    names = names_of_words(load_profiles(given["platforms_dir"]), locale)
    told = board_in(folder, book, datetime.now(UTC), names)
    if given["as_json"]:
        print_json(told)
    elif given["serve"]:
        _serve(folder, book, names, locale, given["port"])
    else:
        path = Path(given["out"]) / BOARD
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_board(path, told, locale)
        except OSError as error:
            what = unable(Words("看板无法写入", "the board cannot be written"), error)
            raise DeliveryError(Problem(what, given["out"])) from error
        click.echo(str(path))


def _serve(folder: Path, book: Rulebook, names: Mapping[str, str], locale: str, port: int) -> None:
    from datetime import UTC, datetime
    from secrets import token_urlsafe

    from orderguard.errors import OrderguardError, Problem, Words, unable
    from orderguard.outbox.board_page import board_page
    from orderguard.stages.boarding import board_in
    from orderguard.stages.serving import HOST, board_server

    token = token_urlsafe(18)
    try:
        server = board_server(
            port, token, lambda links: board_page(board_in(folder, book, datetime.now(UTC), names), locale, links)
        )
    except OSError as error:
        what = unable(Words(f"端口 {port} 用不了", f"port {port} cannot be used"), error)
        raise OrderguardError(Problem(what, fix=Words("用 --port 换一个", "choose another --port"))) from error
    click.echo(f"http://{HOST}:{server.server_address[1]}/?token={token}")
    zh = locale.startswith("zh")
    click.echo("只在本机可看；Ctrl-C 结束" if zh else "on this machine only; Ctrl-C ends it", err=True)
    with server:
        server.serve_forever()
