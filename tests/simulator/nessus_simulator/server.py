"""Runs the application until it is told to stop, and says when it is ready."""

import asyncio
import os
import signal
import ssl
import sys
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from nessus_simulator.app import make_app
from nessus_simulator.clock import Clock, wall_clock
from nessus_simulator.config import Config
from nessus_simulator.pipeline import NESSUS

READY = "nessus simulator ready on"


@dataclass(frozen=True, slots=True)
class Listener:
    """`until_stdin_closes`: also end when whoever started the process is gone."""

    host: str
    port: int  # 0: any free one
    tls: tuple[Path, Path] | None = None  # certificate chain and key, PEM
    until_stdin_closes: bool = False


async def serve(config: Config, listener: Listener) -> None:
    """Until SIGTERM or SIGINT. Raises OSError when it cannot listen or read the TLS files."""
    app = make_app(config, Clock(wall_clock(), config.speed))
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=False,  # a request that was read takes effect, as on a real server
        shutdown_timeout=2.0,
    )
    await runner.setup()
    try:
        context = _tls_context(listener)
        await web.TCPSite(runner, listener.host, listener.port, ssl_context=context).start()
        stop = _stop_signal(listener.until_stdin_closes)
        if problem := app[NESSUS].reports.problem:
            print(f"nessus simulator serves a broken report: {problem}", file=sys.stderr)
        print(f"{READY} {_url(listener, runner.addresses[0][1])}", flush=True)
        await stop.wait()
    finally:
        await runner.cleanup()


def _url(listener: Listener, port: int) -> str:
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"{'https' if listener.tls else 'http'}://{host}:{port}"


def _tls_context(listener: Listener) -> ssl.SSLContext | None:
    if listener.tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(*listener.tls)
    except ssl.SSLError:
        problem = "--tls-cert and --tls-key hold no PEM certificate with its key"
        raise OSError(problem) from None
    return context


def _stop_signal(until_stdin_closes: bool) -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    if until_stdin_closes:
        descriptor = sys.stdin.fileno()

        def read() -> None:
            if not os.read(descriptor, 1024):
                loop.remove_reader(descriptor)
                stop.set()

        loop.add_reader(descriptor, read)
    return stop
