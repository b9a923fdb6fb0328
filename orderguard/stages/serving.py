"""The board over HTTP: on this machine only, read only, for who has the token."""

from __future__ import annotations

import hmac
from functools import partial
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from orderguard.errors import OrderguardError
from orderguard.outbox.html import policy

if TYPE_CHECKING:
    from collections.abc import Callable

HOST = "127.0.0.1"
COOKIE = "orderguard_board"
_REFRESH = range(10, 3601)


def board_server(port: int, token: str, render: Callable[[str], str]) -> ThreadingHTTPServer:
    """A server that is ready to `serve_forever`.

    Args:
        port: 0 picks a free one.
        token: what the first request must carry as `?token=`; a cookie carries it from then on.
        render: the page, given the links below its title.

    Raises:
        OSError: the port is taken.
    """
    return ThreadingHTTPServer((HOST, port), partial(_Handler, token, render))


class _Handler(BaseHTTPRequestHandler):
    server_version, sys_version = "orderguard", ""
    protocol_version = "HTTP/1.1"
    timeout = 30

    def __init__(self, secret: str, draw: Callable[[str], str], *given: Any) -> None:
        self.secret, self.draw = secret, draw
        super().__init__(*given)  # answers the request at once

    def do_GET(self) -> None:
        """The board, or why not."""
        address = urlsplit(self.path)
        asked = parse_qs(address.query)
        # Another site's name that leads here (DNS rebinding) must not reach the page.
        if self.headers.get("Host", "").rsplit(":", 1)[0] not in {HOST, "localhost"}:
            return self._answer(403, "forbidden")
        given = asked.get("token", [""])[0]
        if given and self._is_token(given):
            # Off the address bar and out of the history: from here on the cookie carries it.
            cookie = f"{COOKIE}={self.secret}; HttpOnly; SameSite=Strict; Path=/"
            return self._answer(303, "", ("Location", "/"), ("Set-Cookie", cookie))
        if not self._is_token(self._cookie()):
            return self._answer(401, "token?")
        if address.path != "/":
            return self._answer(404, "not found")
        seconds = asked.get("refresh", ["0"])[0]
        every = int(seconds) if seconds.isdecimal() and int(seconds) in _REFRESH else 0
        links = ' · <a href="/">⟳ off</a>' if every else ' · <a href="/?refresh=60">⟳ 60 s</a>'
        try:
            text = self.draw(links)
        except OrderguardError as error:
            return self._answer(503, "\n".join(p.text("en") for p in error.problems))
        return self._answer(200, text, *([("Refresh", str(every))] if every else []), kind="text/html")

    do_HEAD = do_GET  # noqa: N815 - the name is http.server's

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self.secret.encode())

    def _cookie(self) -> str:
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(COOKIE)
        except CookieError:
            return ""
        return found.value if found else ""

    def _answer(self, code: int, text: str, *headers: tuple[str, str], kind: str = "text/plain") -> None:
        body = text.encode()
        self.send_response(code)
        for name, value in (
            ("Content-Type", f"{kind}; charset=utf-8"), ("Content-Length", str(len(body))), ("Cache-Control", "no-store"),
            ("Content-Security-Policy", policy() + "; frame-ancestors 'none'"), ("X-Content-Type-Options", "nosniff"),
            ("Referrer-Policy", "no-referrer"), *headers,
        ):  # fmt: skip
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent: an address would hold the token."""
