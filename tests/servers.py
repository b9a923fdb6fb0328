"""Real database servers for tests: started from Debian's packages in a temporary folder, or not there at all."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "canary/7:7@x"  # noqa: S105 - of a server that lives for one test run
_QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        return int(it.getsockname()[1])


def _program(name: str) -> str | None:
    return shutil.which(name) or next(iter(sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), reverse=True)), None)


def _servant(wanted: tuple[str, ...]) -> dict[str, str]:
    """Servers refuse to run as root: somebody else does it."""
    if os.getuid() != 0:
        return {}
    known = {entry.pw_name for entry in pwd.getpwall()}
    name = next((n for n in wanted if n in known), "nobody")
    return {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}  # type: ignore[dict-item]


@contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """A PostgreSQL; yields `postgresql://og@127.0.0.1:<port>/postgres`, whose password is `PASSWORD`.

    Raises:
        RuntimeError: it is not installed, or does not start here.
    """
    initdb, server = _program("initdb"), _program("postgres")
    if not initdb or not server:
        raise RuntimeError("PostgreSQL is not installed")
    who, port, data = _servant(("postgres",)), free_port(), folder / "pg"
    data.mkdir(mode=0o700)
    secret = folder / "secret"
    secret.write_text(PASSWORD, encoding="utf-8")
    if who:
        shutil.chown(data, who["user"], who["group"])
        secret.chmod(0o644)
        _open_way(folder)
    made = subprocess.run(
        [initdb, "-D", data / "db", "-U", "og", "-A", "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C", "--no-sync"],
        **_QUIET, check=False, cwd="/", **who,
    )  # fmt: skip
    if made.returncode:
        raise RuntimeError("initdb fails here")
    words = [server, "-D", data / "db", "-p", str(port), "-k", data, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
    with _running(words, port, who):
        ready = _program("pg_isready") or "true"
        for _ in range(300):  # it listens before it lets anybody in
            if subprocess.run([ready, "-q", "-h", "127.0.0.1", "-p", str(port)], check=False).returncode == 0:
                break
            time.sleep(0.1)
        yield f"postgresql://og@127.0.0.1:{port}/postgres"


@contextmanager
def mysql(folder: Path) -> Iterator[str]:
    """A MariaDB; yields `mysql://og@127.0.0.1:<port>/shop`, whose password is `PASSWORD`.

    Raises:
        RuntimeError: it is not installed, or does not start here.
    """
    install, server, client = (_program(n) for n in ("mariadb-install-db", "mariadbd", "mariadb"))
    if not install or not server or not client:
        raise RuntimeError("MariaDB is not installed")
    who, port, data = _servant(("mysql",)), free_port(), folder / "my"
    data.mkdir(mode=0o700)
    if who:
        shutil.chown(data, who["user"], who["group"])
        _open_way(folder)
    user = who.get("user") or getpass.getuser()
    made = subprocess.run(
        [install, "--no-defaults", f"--datadir={data}", f"--user={user}", "--auth-root-authentication-method=normal", "--skip-test-db"],
        **_QUIET, check=False, cwd="/",
    )  # fmt: skip
    if made.returncode:
        raise RuntimeError("mariadb-install-db fails here")
    place = data / "s.sock"
    words = [server, "--no-defaults", f"--datadir={data}", f"--user={user}", f"--socket={place}", f"--port={port}", "--bind-address=127.0.0.1", "--innodb-flush-log-at-trx-commit=0"]  # fmt: skip
    with _running(words, port, {}):
        setup = f"CREATE DATABASE shop CHARACTER SET utf8mb4; CREATE USER og@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'; GRANT ALL ON shop.* TO og@'127.0.0.1'"
        subprocess.run([client, "--no-defaults", f"--socket={place}", "-uroot", "-e", setup], check=True)
        yield f"mysql://og@127.0.0.1:{port}/shop"


def _open_way(folder: Path) -> None:
    """The folders above must be passable for the server's user."""
    for above in (folder, *folder.parents):
        if above.stat().st_uid == os.getuid() and not above.stat().st_mode & 0o001:
            above.chmod(above.stat().st_mode | 0o011)


@contextmanager
def _running(words: list[object], port: int, who: dict[str, str]) -> Iterator[None]:
    process = subprocess.Popen([str(w) for w in words], **_QUIET, cwd="/", **who)
    try:
        for _ in range(300):
            if process.poll() is not None:
                raise RuntimeError("the server does not start here")
            with socket.socket() as it:
                if it.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        else:
            raise RuntimeError("the server does not answer")
        yield
    finally:
        process.terminate()
        process.wait(30)
