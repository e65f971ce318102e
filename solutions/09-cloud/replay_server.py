"""Stands in for the three vision services on this computer: ``python replay_server.py [--port N] [--slow SECONDS]``.

It gives recorded answers in the services' own wire formats to the services' own Python packages. It cannot see.

    POST /v1/images:annotate                                 Google Cloud Vision v1
    POST /computervision/imageanalysis:analyze?api-version=  Azure Image Analysis 4.0
    POST /vision/v3.2/analyze                                Azure Computer Vision 3.2
    POST / with X-Amz-Target                                 Amazon Rekognition DetectLabels

Any key is accepted except ``expired-key`` and ``no-rights-key``. To be answered with an error, either send a photo
that consists of ``replay:`` and a word (400 401 403 413 429 500 image-error slow), or open
``/_next?status=429&service=google&times=2&retry_after=1`` first: that many next answers are then this error.
"""

from __future__ import annotations

import argparse
import asyncio
import atexit
import errno
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode
from urllib.request import ProxyHandler, build_opener

from recorded_answers import SERVICES, Answer, Recorded
from replay_formats import SLOW, Request, answer

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request as WebRequest
    from starlette.responses import Response

HOST, PORT = "127.0.0.1", 8909
START_SECONDS = 15
URL = "VISION_REPLAY_URL"
KINDS = ("400", "401", "403", "413", "429", "500", "image-error", "slow")
ROUTES = {
    "/v1/images:annotate": "google",
    "/computervision/imageanalysis:analyze": "azure",
    "/vision/v3.2/analyze": "azure32",
    "/": "amazon",
}
MISSING = (
    "The replay server needs starlette and uvicorn: pip install 'nbseal[cloud]' (or: pip install starlette uvicorn)."
)


@dataclass
class Desk:
    """What the server knows: the recordings, the next answers asked for, and the calls so far (never their keys)."""

    slow: float = 0.0
    recorded: Recorded = field(default_factory=Recorded)
    next: list[dict[str, str]] = field(default_factory=list)
    calls: list[dict[str, object]] = field(default_factory=list)

    def serve(self, service: str, request: Request) -> Answer:
        """Answer one call of a service."""
        plan = next((plan for plan in self.next if plan.get("service", service) == service), {})
        if plan:
            self.next.remove(plan)
        if plan.get("status", "slow") == "slow":
            given = answer(service, request, self.recorded)
            given = replace(given, delay=given.delay + float(plan.get("seconds", SLOW if plan else 0)))
        else:
            given = self._error(service, plan)
        self.calls.append({"service": service, "status": given.status, "bytes": len(request.body)})
        return replace(given, delay=given.delay + self.slow)

    def _error(self, service: str, plan: dict[str, str]) -> Answer:
        known = plan["status"] in self.recorded.kinds(service)
        given = self.recorded.error(service, plan["status"] if known else "400")
        if "Retry-After" in given.headers and "retry_after" in plan:
            return replace(given, headers={"Retry-After": plan["retry_after"]})
        return given

    def plan(self, query: dict[str, str]) -> str:
        """Set the next answers; returns a sentence that says so."""
        if query.get("status") not in KINDS:
            raise ValueError(f"status must be one of {', '.join(KINDS)}.")
        if query.get("service", "google") not in SERVICES:
            raise ValueError(f"service must be one of {', '.join(SERVICES)}.")
        times, seconds = int(query.get("times", 1)), float(query.get("seconds", SLOW))
        if not (1 <= times <= 100 and 0 <= seconds <= 600 and float(query.get("retry_after", 0)) >= 0):
            raise ValueError("times must be 1 to 100, seconds 0 to 600, and retry_after not below 0.")
        self.next += [dict(query) for _ in range(times)]
        return f"Next {times} of {query.get('service', 'any service')}: {query['status']}."


def build_app(desk: Desk) -> Starlette:
    """The web application; ImportError without starlette."""
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import JSONResponse, PlainTextResponse
    from starlette.routing import Route

    async def vision(request: WebRequest) -> Response:
        service = ROUTES[request.url.path]
        given = desk.serve(service, Request(dict(request.query_params), dict(request.headers), await request.body()))
        await asyncio.sleep(given.delay)
        kind = "application/x-amz-json-1.1" if service == "amazon" else "application/json"
        return JSONResponse(given.body, given.status, given.headers, media_type=kind)

    async def about(request: WebRequest) -> Response:
        return PlainTextResponse(f"{__doc__}\nRecorded photos: {', '.join(desk.recorded.photos)}\n")

    async def which(request: WebRequest) -> Response:
        choice = desk.recorded.choose(await request.body())
        return JSONResponse({"photo": choice.photo, "note": choice.note})

    async def plan(request: WebRequest) -> Response:
        try:
            return PlainTextResponse(desk.plan(dict(request.query_params)))
        except ValueError as error:
            return PlainTextResponse(str(error), 400)

    async def calls(request: WebRequest) -> Response:
        return JSONResponse({"calls": desk.calls, "next": len(desk.next)})

    async def reset(request: WebRequest) -> Response:
        desk.next, desk.calls = [], []
        return PlainTextResponse("Forgotten.")

    routes = [Route(path, vision, methods=["POST"]) for path in ROUTES]
    routes += [Route("/", about), Route("/_which", which, methods=["POST"]), Route("/_calls", calls)]
    routes += [Route("/_next", plan, methods=["GET", "POST"]), Route("/_reset", reset, methods=["GET", "POST"])]
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])])


def serve(port: int, slow: float, until_stdin_closes: bool) -> None:
    """Answer on loopback until stopped; port 0 takes a free one. The first line printed names the address."""
    try:
        import uvicorn

        app = build_app(Desk(slow))
    except ImportError:
        raise RuntimeError(MISSING) from None
    try:
        listener = socket.create_server((HOST, port))
    except OSError as error:
        mend = "Try --port 0." if error.errno == errno.EADDRINUSE else "There is no network for programs here."
        raise RuntimeError(f"Cannot listen on port {port} of this computer: {error.strerror}. {mend}") from None
    print(
        f"http://{HOST}:{listener.getsockname()[1]} answers in place of the vision services. Ctrl+C stops it.",
        flush=True,
    )
    if until_stdin_closes:
        # nobody reads on, and a full pipe would stop the server
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        threading.Thread(target=_leave_with_parent, daemon=True).start()
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


def _leave_with_parent() -> None:
    # a kernel that is killed runs no exit handlers, but its end of the pipe closes in any case
    sys.stdin.buffer.read()
    os._exit(0)


_running: subprocess.Popen[str] | None = None
_address = ""


def start(slow: float = 0.0) -> str:
    """Start the server in the background on a free port, and return its address, which goes into VISION_REPLAY_URL.

    A second call returns the address of the one that runs. It ends with ``stop()`` or with this Python process.
    RuntimeError with the reason when it does not start.
    """
    global _running, _address
    if _running is not None and _running.poll() is None:
        os.environ[URL] = _address
        return _address
    command = [sys.executable, str(Path(__file__).resolve()), "--port", "0", "--slow", str(slow)]
    pipe = subprocess.PIPE
    try:
        server = subprocess.Popen(
            [*command, "--until-stdin-closes"], stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )
    except OSError as error:
        raise RuntimeError(f"The replay server could not be started here: {error.strerror}.") from None
    _running = server
    watch = threading.Timer(START_SECONDS, server.kill)
    watch.start()
    said = server.stdout.readline() if server.stdout else ""
    watch.cancel()
    if not said.startswith("http://"):
        rest = server.stdout.read() if server.stdout else ""
        stop()
        reason = (said + rest).strip().splitlines() or [f"no answer within {START_SECONDS} seconds"]
        raise RuntimeError(f"The replay server did not start: {reason[-1]}")
    os.environ[URL] = _address = said.split()[0]
    return _address


def stop() -> None:
    """Stop the server that ``start`` started, if it runs."""
    global _running
    server, _running = _running, None
    if server is None:
        return
    os.environ.pop(URL, None)
    if server.stdin:
        server.stdin.close()
    server.terminate()
    server.wait()
    if server.stdout:
        server.stdout.close()


atexit.register(stop)


@contextmanager
def running(slow: float = 0.0) -> Iterator[str]:
    """``with running() as address:`` starts the server, and stops it in the end."""
    address = start(slow)
    try:
        yield address
    finally:
        stop()


def next_answer(status: int | str, **wishes: Any) -> str:
    """Make the server's next answer an error: ``next_answer(429, service="google", times=2, retry_after=1)``."""
    return ask("_next", status=status, **wishes)


def ask(page: str, **query: Any) -> str:
    """Read one of the server's own pages: _next, _calls or _reset."""
    address = os.environ.get(URL, f"http://{HOST}:{PORT}")
    with build_opener(ProxyHandler({})).open(f"{address}/{page}?{urlencode(query)}", timeout=10) as reply:
        return str(reply.read(), "utf-8")


def main() -> None:
    """Read the command line, and serve."""
    parser = argparse.ArgumentParser(description="Recorded answers of three vision services, on this computer only.")
    parser.add_argument("--port", type=int, default=PORT, help=f"0 takes a free one (default {PORT})")
    parser.add_argument("--slow", type=float, default=0.0, metavar="SECONDS", help="wait before every answer")
    parser.add_argument("--until-stdin-closes", action="store_true", help=argparse.SUPPRESS)
    wish = parser.parse_args()
    try:
        serve(wish.port, wish.slow, wish.until_stdin_closes)
    except RuntimeError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
