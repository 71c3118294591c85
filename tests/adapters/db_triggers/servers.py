"""Private PostgreSQL and MariaDB servers, from Debian's packages, for tests that kill and restart them.

Each has a data directory and a free port of its own on loopback and dies with the process that started it.
A kill is a kill of processes, so what the server wrote survives without fsync; `durable=True` turns fsync on
where a figure depends on it. Scripts run through psql and mariadb, the clients that a DBA would use.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from uuid import uuid4

Kind = Literal["postgresql", "mariadb", "sqlite"]

HOST = "127.0.0.1"
ADMIN = "dba"
PASSWORD = "made-up-for-tests"  # this server listens on loopback only and lives as long as the test run
START_S = 30.0
_STARTER = ThreadPoolExecutor(1, thread_name_prefix="starter")
STARTS_MAX = 3  # between looking for a free port and taking it, somebody else may have taken it


class ServerError(Exception):
    """A test server could not do what was asked; the text says what it wrote."""


@dataclass(frozen=True, slots=True)
class Database:
    """One empty database, or SQLite file: where it is, and how to speak to it."""

    kind: Kind
    name: str  # of SQLite, the file's path
    server: Server | None = None

    @property
    def url(self) -> str:
        """Give SQLAlchemy's asynchronous URL, with ADMIN's password."""
        return self.url_as(ADMIN, PASSWORD)

    def url_as(self, user: str, password: str) -> str:
        if self.server is None:
            return f"sqlite+aiosqlite:///{self.name}"
        driver = "asyncpg" if self.kind == "postgresql" else "asyncmy"
        return f"{self.kind}+{driver}://{user}:{password}@{HOST}:{self.server.port}/{self.name}"

    def script(self, text: str, *, user: str = ADMIN, password: str = PASSWORD) -> str:
        """Run a script as a DBA would, stop at its first error, and give what it printed, tab-separated."""
        if self.server is None:
            return _run_in_file(self.name, text)
        return self.server.script(text, self.name, user=user, password=password)


@dataclass
class Server:
    """A server process and its data directory; start it with `with`."""

    durable: bool = False
    port: int = 0
    folder: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = field(init=False, default=None)

    kind: Kind = field(init=False)
    account: str = field(init=False)  # the system's user it runs as where we are root

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix=f"bridge-{self.kind}-"))
        try:
            self.folder.chmod(0o755)  # its own user must get through it
            self._own(self.folder)
            self._prepare()
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Start the server, on its port of before where it had one, and return when it answers."""
        for attempt in range(1, STARTS_MAX + 1):
            wanted = self.port or _free_port()
            if self._start_on(wanted):
                self.port = wanted
                return
            if attempt == STARTS_MAX:
                raise ServerError(f"{self.kind} did not start on port {wanted}:\n{self.log()[-2000:]}")

    def stop(self) -> None:
        """Stop it in an orderly way; open connections are ended."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGINT if self.kind == "postgresql" else signal.SIGTERM)
        try:
            self.process.wait(START_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self.process = None

    def kill(self) -> None:
        """Kill every process of it with SIGKILL, as a crash of the machine would end them."""
        if self.process is None:
            return
        children = _children(self.process.pid)
        self.process.kill()
        for child in children:
            _kill(child)
        self.process.wait()
        for child in children:
            _wait_gone(child)
        self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def ensure_running(self) -> None:
        if self.process is None or self.process.poll() is not None:
            self.process = None
            self.start()

    def close(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def create(self) -> Database:
        """Make an empty database of a new name."""
        name = f"t{uuid4().hex[:12]}"
        self.script(f"create database {name};", self._maintenance())
        return Database(self.kind, name, self)

    def script(self, text: str, database: str, *, user: str = ADMIN, password: str = PASSWORD) -> str:
        raise NotImplementedError

    def drop(self, database: Database) -> None:
        raise NotImplementedError

    def _prepare(self) -> None:
        raise NotImplementedError

    def _command(self, port: int) -> list[str]:
        raise NotImplementedError

    def _answers(self, port: int) -> bool:
        raise NotImplementedError

    def _maintenance(self) -> str:
        raise NotImplementedError

    def _start_on(self, port: int) -> bool:
        with (self.folder / "log").open("ab") as log:
            command = self._as_account(self._command(port))
            # A parent's death means that of the thread which started it: one that lives as long as we do.
            started = _STARTER.submit(
                subprocess.Popen, command, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            self.process = started.result()
        limit = time.monotonic() + START_S
        while time.monotonic() < limit and self.process.poll() is None:
            if self._answers(port):
                return True
            time.sleep(0.05)
        self.kill()
        return False

    def _as_account(self, command: list[str]) -> list[str]:
        """Drop root, and die with the process that started us, however that one ends."""
        prefix = ["setpriv", "--pdeathsig=KILL"]
        if os.geteuid() == 0:
            prefix += [f"--reuid={self.account}", f"--regid={self._gid()}", "--clear-groups"]
        return [*prefix, *command]

    def _own(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, pwd.getpwnam(self.account).pw_uid, self._gid())

    def _gid(self) -> int:
        return pwd.getpwnam(self.account).pw_gid


@dataclass
class PostgreSQL(Server):
    """A PostgreSQL server, run as the user `postgres` where we are root: it refuses root."""

    def __post_init__(self) -> None:
        self.kind, self.account = "postgresql", "postgres"

    def script(self, text: str, database: str, *, user: str = ADMIN, password: str = PASSWORD) -> str:
        command = [_postgres("psql"), "-X", "-q", "-At", "-F\t", "-v", "ON_ERROR_STOP=1", "-f", "-"]
        where = ["-h", HOST, "-p", str(self.port), "-U", user, "-d", database]
        return _run([*command, *where], text, {"PGPASSWORD": password})

    def drop(self, database: Database) -> None:
        self.script(f"drop database if exists {database.name} with (force);", "postgres")

    def _maintenance(self) -> str:
        return "postgres"

    def _prepare(self) -> None:
        secret = self.folder / "secret"
        secret.write_text(PASSWORD)
        secret.chmod(0o600)
        self._own(secret)
        options = [
            "-U",
            ADMIN,
            f"--pwfile={secret}",
            "-A",
            "scram-sha-256",
            "--no-sync",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        ]
        _run(self._as_account([_postgres("initdb"), "-D", str(self.folder / "data"), *options]))

    def _command(self, port: int) -> list[str]:
        settings = {
            "listen_addresses": HOST,
            "port": port,
            "unix_socket_directories": self.folder,
            "fsync": "on" if self.durable else "off",
            "shared_buffers": "64MB",
            "max_connections": 60,
            "timezone": "UTC",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [_postgres("postgres"), "-D", str(self.folder / "data"), *options]

    def _answers(self, port: int) -> bool:
        return _succeeds([_postgres("pg_isready"), "-q", "-h", HOST, "-p", str(port)])


@dataclass
class MariaDB(Server):
    """A MariaDB server, run as the user `mysql` where we are root."""

    def __post_init__(self) -> None:
        self.kind, self.account = "mariadb", "mysql"

    def script(self, text: str, database: str, *, user: str = ADMIN, password: str = PASSWORD) -> str:
        command = [_found("mariadb"), "--no-defaults", "--batch", "--skip-column-names", "--protocol=tcp"]
        where = ["-h", HOST, "-P", str(self.port), "-u", user, database]
        return _run([*command, *where], text, {"MYSQL_PWD": password})

    def drop(self, database: Database) -> None:
        self.script(f"drop database if exists {database.name};", self._maintenance())

    def _maintenance(self) -> str:
        return "mysql"

    def _prepare(self) -> None:
        options = ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        # A server that starts removes all temporary tables in its folder for these: another server's, too.
        places = [f"--datadir={self.folder / 'data'}", f"--tmpdir={self.folder}"]
        _run(self._as_account([_found("mariadb-install-db"), "--no-defaults", *places, *options]))
        first = self.folder / "first.sql"
        first.write_text(
            f"create or replace user {ADMIN}@'{HOST}' identified by '{PASSWORD}';\n"
            f"grant all on *.* to {ADMIN}@'{HOST}' with grant option;\n"
        )
        self._own(first)

    def _command(self, port: int) -> list[str]:
        options = {
            "datadir": self.folder / "data",
            "tmpdir": self.folder,
            "bind-address": HOST,
            "port": port,
            "socket": self.folder / "socket",
            "pid-file": self.folder / "pid",
            "init-file": self.folder / "first.sql",
            "innodb-flush-log-at-trx-commit": 1 if self.durable else 2,
            "innodb-buffer-pool-size": "64M",
            "innodb-fast-shutdown": 2,
            "max-connections": 60,
            "performance-schema": "off",
            "skip-name-resolve": "on",
            "default-time-zone": "+00:00",
        }
        return [
            _found("mariadbd"),
            "--no-defaults",
            *(f"--{name}={value}" for name, value in options.items()),
        ]

    def _answers(self, port: int) -> bool:
        where = ["-h", HOST, "-P", str(port), "--protocol=tcp", "-u", ADMIN, f"--password={PASSWORD}"]
        return _succeeds([_found("mariadb"), "--no-defaults", *where, "-e", "select 1"])


def _run(command: list[str], text: str = "", environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=START_S * 2,
        env=os.environ | (environment or {}),
        cwd="/",  # the server's user may not enter the folder we are in
    )
    if done.returncode:
        raise ServerError(
            f"{Path(command[0]).name}: exit {done.returncode}: {(done.stderr or done.stdout)[-2000:]}"
        )
    return done.stdout


def _run_in_file(path: str, text: str) -> str:
    """Run a script's statements one by one, as the program sqlite3 would."""
    printed, statement = [], ""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for piece in text.split(";")[:-1]:
            statement += piece + ";"
            if not sqlite3.complete_statement(statement):
                continue
            try:
                printed += ["\t".join(map(str, row)) for row in connection.execute(statement)]
            except sqlite3.Error as error:
                raise ServerError(f"{path}: {error} in: {statement.strip()}") from error
            statement = ""
    return "\n".join(printed)


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False, timeout=START_S).returncode == 0


def _postgres(program: str) -> str:
    """Find a program of PostgreSQL: Debian keeps the server's out of PATH, one folder a version."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -float(path.parent.name))
    for folder in folders:
        if (folder / program).exists():
            return str(folder / program)
    return _found(program)


def _found(program: str) -> str:
    for folder in (os.environ.get("PATH", ""), "/usr/sbin"):
        if path := shutil.which(program, path=folder):
            return path
    raise ServerError(f"{program} is not installed; run: apt-get install postgresql mariadb-server")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        if int(fields[1]) == parent:
            found.append(int(stat.parent.name))
    return found


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _wait_gone(pid: int) -> None:
    limit = time.monotonic() + START_S
    while Path(f"/proc/{pid}/stat").exists() and time.monotonic() < limit:
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.01)
