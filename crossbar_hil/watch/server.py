"""The server of the page: GET from this machine alone, a fixed table of addresses, runs and files by keys."""

import hashlib
import io
import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qsl, urlsplit

from crossbar_hil.errors import CrossbarError, RunError
from crossbar_hil.figures import REPORT
from crossbar_hil.figures.templates import template
from crossbar_hil.runs.many.listing import FACETS, Listing, Row
from crossbar_hil.text import printable
from crossbar_hil.watch import views
from crossbar_hil.watch.views import Data

HOST = "127.0.0.1"
IDLE_S = 30
"""A connection on which no whole request comes for so long is closed, in seconds."""
MOST_CONNECTIONS = 64
"""So many are answered at a time, each by a thread; one more is closed. A browser keeps six."""
_CSP = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_OF_REPORT = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'"
"""A report holds its pictures and styles and no script; a run may come from anywhere."""
_HEADERS = {
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_HTML, _JSON = "text/html; charset=utf-8", "application/json"
_TITLES = {"/": "Runs", "/run": "Run", "/compare": "Runs side by side", "/chip": "Life of a chip"}
_STATIC = {
    "/panels.js": "text/javascript; charset=utf-8",
    "/watch.js": "text/javascript; charset=utf-8",
    "/watch.css": "text/css; charset=utf-8",
    "/watch.svg": "image/svg+xml",
}
_MOST_DIGITS = 9
_PART = 1 << 16
_FILTERS = ("page", "text", "since", "until", "sort", *FACETS)

Query = list[tuple[str, str]]
Answer = tuple[str, Callable[[], Data]]


class Refused(Exception):  # noqa: N818 - it names what happened
    """A request that gets no page."""

    def __init__(self, status: HTTPStatus, why: str) -> None:
        super().__init__(why)
        self.status = status


class WatchServer(ThreadingHTTPServer):
    """Serves the runs of a folder on a port of this machine; 0 takes any that is free."""

    daemon_threads = True

    def __init__(self, out: Path, port: int = 0) -> None:
        super().__init__((HOST, port), Handler)
        self.listing = Listing(out)
        self.page = template("page.html.j2", "crossbar_hil.watch")
        ends = (f":{self.server_port}", *([""] if self.server_port == 80 else []))  # which a browser leaves out
        self.hosts = {f"{name}{end}" for name in (HOST, "localhost") for end in ends}
        self._free = threading.BoundedSemaphore(MOST_CONNECTIONS)

    @property
    def address(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_port}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection, or close it if there are too many."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.close_request(request)

    def shutdown_request(self, request: Any) -> None:
        """End a connection that was answered."""
        super().shutdown_request(request)
        self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that has gone away."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


class _Arriving(io.RawIOBase):
    """What comes on a connection, until a request is late: byte by byte nobody keeps a thread for ever."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.wait()

    def wait(self) -> None:
        """Wait for the next request."""
        self._late = time.monotonic() + IDLE_S

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        left = self._late - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._connection.settimeout(left)
        return self._connection.recv_into(buffer)


class Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    server: WatchServer
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "crossbar-hil", ""
    timeout = IDLE_S

    def setup(self) -> None:
        """Begin with a connection."""
        super().setup()
        self._arriving = _Arriving(self.connection)
        self.rfile = io.BufferedReader(self._arriving)

    def handle_one_request(self) -> None:
        """Read a request and answer it."""
        self._arriving.wait()
        super().handle_one_request()

    def parse_request(self) -> bool:
        """Refuse whatever is no GET of a page on this machine."""
        if not super().parse_request():
            return False
        hosts = self.headers.get_all("Host") or []
        if self.command != "GET":
            self._refuse(Refused(HTTPStatus.METHOD_NOT_ALLOWED, "this page only shows, so only GET is answered"))
        elif len(hosts) != 1 or hosts[0].lower() not in self.server.hosts:
            self._refuse(Refused(HTTPStatus.FORBIDDEN, self._where()))
        else:
            return True
        self.close_connection = True  # a body may follow
        return False

    def _where(self) -> str:
        return (
            f"this page is at {self.server.address} alone, for a browser on this machine; an ssh -L that brings it "
            f"elsewhere has the same port on both sides, {self.server.server_port}"
        )

    def do_GET(self) -> None:
        """Answer."""
        try:
            self._get()
        except Refused as refused:
            self._refuse(refused)
        except CrossbarError as error:  # a run that is damaged, or gone since it was listed
            self._send_json({"error": printable(str(error))})
        except ConnectionError:
            raise
        except Exception as error:  # a record can hold anything, and the page goes on
            self._send_json({"error": printable(f"it cannot be shown: {type(error).__name__}: {error}")})

    def _get(self) -> None:
        if not self.path.startswith("/"):
            raise Refused(HTTPStatus.BAD_REQUEST, "an address of this page begins with /")
        try:
            asked = urlsplit(self.path)
            query = parse_qsl(asked.query, max_num_fields=32)
        except ValueError as error:
            raise Refused(HTTPStatus.BAD_REQUEST, "there is no such address") from error
        data = {
            "/data/runs": self._table,
            "/data/run": self._run,
            "/data/compare": self._compare,
            "/data/chip": self._chip,
        }
        if asked.path in _TITLES:
            folder = printable(str(self.server.listing.out))
            page = self.server.page.render(title=_TITLES[asked.path], page=asked.path, folder=folder)
            self._send(page.encode(), _HTML)
        elif asked.path in _STATIC:
            self._send(files(__package__).joinpath(asked.path[1:]).read_bytes(), _STATIC[asked.path])
        elif asked.path in data:
            now = datetime.now(UTC)
            tag, make = data[asked.path](query, now)
            held = dict(query).get("have") == tag
            self._send_json({"now": now.isoformat(), "unchanged": True} if held else {**make(), "tag": tag})
        elif asked.path == "/file":
            self._send_file(query)
        else:
            raise Refused(HTTPStatus.NOT_FOUND, "there is no such page")

    # ------------------------------------------------------------------ what is asked for

    # Each returns what changes with the data, and what makes them: a page that has them is told so and no more.

    def _table(self, query: Query, now: datetime) -> Answer:
        asked = {name: value for name, value in query if name in _FILTERS}
        page = asked.get("page", "0")
        if not (page.isdecimal() and len(page) < _MOST_DIGITS):
            raise Refused(HTTPStatus.BAD_REQUEST, f"page is a number of fewer than {_MOST_DIGITS} digits")
        listing = self.server.listing
        rows = listing.look()
        return _tag(listing.version, sorted(asked.items())), lambda: views.table_data(rows, listing.unread, asked, now)

    def _run(self, query: Query, now: datetime) -> Answer:
        row = self._rows(query)[0]
        return _tag(row.stamp), lambda: views.run_data(row, now)

    def _compare(self, query: Query, now: datetime) -> Answer:
        rows = self._rows(query)
        return _tag([row.stamp for row in rows]), lambda: views.compare_data(rows, now)

    def _chip(self, query: Query, now: datetime) -> Answer:
        chip, listing = self._rows(query)[0].chip, self.server.listing
        rows = listing.look()
        while listing.unread:
            rows = listing.look()
        of_chip = [row for row in rows if chip and row.chip == chip]
        return _tag([row.stamp for row in of_chip]), lambda: views.chip_data(of_chip, now)

    def _rows(self, query: Query) -> list[Row]:
        keys = [value for name, value in query if name == "run"]
        if not 0 < len(keys) <= views.MOST_SIDE_BY_SIDE:
            raise Refused(HTTPStatus.BAD_REQUEST, f"1 to {views.MOST_SIDE_BY_SIDE} runs can be shown, not {len(keys)}")
        rows = [self.server.listing.find(key) for key in keys]
        found = [row for row in rows if row is not None]
        if len(found) < len(keys):
            raise Refused(
                HTTPStatus.NOT_FOUND,
                "no run of this folder has this address: it was moved or removed, or the address is not whole",
            )
        return found

    # ------------------------------------------------------------------ answers

    def _send(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> None:
        self._send_head(len(content), kind, status, **headers)
        self.wfile.write(content)

    def _send_head(self, size: int, kind: str, status: HTTPStatus, csp: str = _CSP, **headers: str) -> None:
        self.connection.settimeout(self.timeout)
        self.send_response(status)
        said = {"Content-Type": kind, "Content-Length": str(size), "Content-Security-Policy": csp, **_HEADERS}
        for name, value in {**said, **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def _send_json(self, data: Any) -> None:
        self._send(json.dumps(data, allow_nan=False, default=str).encode(), _JSON)

    def _send_file(self, query: Query) -> None:
        """Send a file of a run: the report and pictures to be looked at, every other one to be kept."""
        row = self._rows(query)[0]
        path = views.file_of(row.folder, dict(query).get("file", ""))
        if path is None:
            raise Refused(HTTPStatus.NOT_FOUND, "there is no such file any more")
        with ExitStack() as stack:
            try:
                file = stack.enter_context(views.opened(path))
            except RunError as error:
                raise Refused(HTTPStatus.CONFLICT, str(error)) from error
            except OSError as error:
                raise Refused(HTTPStatus.NOT_FOUND, "the file cannot be read") from error
            self._send_content(path, file)

    def _send_content(self, path: Path, file: BinaryIO) -> None:
        size = os.fstat(file.fileno()).st_size
        headers = {}
        kind = {".html": _HTML if path.name == REPORT else "", ".png": "image/png"}.get(path.suffix, "")
        if not kind:
            headers = {"Content_Disposition": f'attachment; filename="{_plain_name(path.name)}"'}
        self._send_head(size, kind or "application/octet-stream", HTTPStatus.OK, csp=_OF_REPORT, **headers)
        while size:  # and no more, should it be growing
            part = file.read(min(size, _PART))
            if not part:
                self.close_connection = True
                return
            self.wfile.write(part)
            size -= len(part)

    def _refuse(self, refused: Refused) -> None:
        headers = {"Allow": "GET"} if refused.status == HTTPStatus.METHOD_NOT_ALLOWED else {}
        self._send(f"{refused}\n".encode(), "text/plain; charset=utf-8", refused.status, **headers)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Say what is wrong with a request that is none, in a word."""
        self.close_connection = True
        self._refuse(Refused(HTTPStatus(code), message or HTTPStatus(code).phrase))

    def log_message(self, *_: Any) -> None:
        """Say nothing: a page asks twice a second."""


def _tag(*what: object) -> str:
    return hashlib.sha256(repr(what).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain_name(name: str) -> str:
    return "".join(each if each.isascii() and (each.isalnum() or each in "._-") else "_" for each in name)
