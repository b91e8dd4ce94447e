"""The command line: python -m nessus_simulator."""

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

from nessus_simulator.config import Config
from nessus_simulator.licenses import License
from nessus_simulator.report.hosts import HostLogin
from nessus_simulator.server import Listener, serve

HELP = """
A Nessus that scans nothing: the HTTP API of a scanner, with its quirks, for tests and demos.

It needs at least one login. Scans progress in simulated time, which --speed makes faster and the
controls under /_simulator advance at once; GET /_simulator/ lists them.

Examples:

  python -m nessus_simulator --port 8834 --api-key access:secret --speed 60

  python -m nessus_simulator --port 0 --user scanner:password --license essentials

  python -m nessus_simulator --port 0 --api-key access:secret --report scan.nessus
"""

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any free one.")]
Host = Annotated[str, typer.Option(help="Address to listen on.")]
ApiKeys = Annotated[
    list[str], typer.Option(metavar="ACCESS:SECRET", help="API keys of an account. Repeatable.")
]
Users = Annotated[
    list[str], typer.Option(metavar="NAME:PASSWORD", help="Account with a password. Repeatable.")
]
LicenseName = Annotated[
    License,
    typer.Option("--license", help="manager opens the scan API; others answer 412 to its writes."),
]
DropRefusals = Annotated[
    bool, typer.Option("--drop-refusals", help="Close the connection before the body of a 412.")
]
Speed = Annotated[float, typer.Option(min=0.001, help="Simulated seconds per real second.")]
HostSeconds = Annotated[
    float, typer.Option(min=0.0, help="Simulated seconds that a scan takes per host.")
]
SessionSeconds = Annotated[
    float, typer.Option(min=1.0, help="Simulated seconds until an idle session expires.")
]
LoadingSeconds = Annotated[
    float, typer.Option(min=0.0, help="Simulated seconds of loading plugins after the start.")
]
Report = Annotated[
    Path | None,
    typer.Option(
        exists=True, dir_okay=False, help="Serve this .nessus file for every scan; hosts follow it."
    ),
]
Login = Annotated[HostLogin, typer.Option(help="How targets take the credentials of a scan.")]
Certificate = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Certificate chain (PEM): serve HTTPS."),
]
Key = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="Private key of it (PEM).")
]
UntilStdinCloses = Annotated[
    bool, typer.Option("--until-stdin-closes", help="End when standard input ends.")
]


@app.command(help=HELP)
def main(
    port: Port = 8834,
    host: Host = "127.0.0.1",
    api_key: ApiKeys = [],  # noqa: B006 - typer copies the default
    user: Users = [],  # noqa: B006
    license_: LicenseName = License.MANAGER,
    drop_refusals: DropRefusals = False,
    speed: Speed = 1.0,
    host_seconds: HostSeconds = 60.0,
    session_seconds: SessionSeconds = 1800.0,
    loading_seconds: LoadingSeconds = 0.0,
    report: Report = None,
    host_login: Login = HostLogin.SUCCESS,
    tls_cert: Certificate = None,
    tls_key: Key = None,
    until_stdin_closes: UntilStdinCloses = False,
) -> None:
    config = Config(
        users=_pairs(user, "--user", "NAME:PASSWORD"),
        api_keys=_pairs(api_key, "--api-key", "ACCESS:SECRET"),
        license=license_,
        drop_refusals=drop_refusals,
        speed=speed,
        host_seconds=host_seconds,
        session_seconds=session_seconds,
        loading_seconds=loading_seconds,
        report=report,
        host_login=host_login,
    )
    if not config.users and not config.api_keys:
        raise typer.BadParameter("give --api-key or --user, or nobody can log in")
    if (tls_cert is None) != (tls_key is None):
        raise typer.BadParameter("--tls-cert and --tls-key belong together")
    tls = (tls_cert, tls_key) if tls_cert and tls_key else None
    _run(config, Listener(host, port, tls, until_stdin_closes))


def _pairs(values: list[str], option: str, shape: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for value in values:
        first, colon, second = value.partition(":")
        if not (first and colon and second):
            raise typer.BadParameter(f"must look like {shape}", param_hint=option)
        pairs.append((first, second))
    if len(dict(pairs)) < len(pairs):
        raise typer.BadParameter("names the same one twice", param_hint=option)
    return tuple(pairs)


def _run(config: Config, listener: Listener) -> None:
    try:
        asyncio.run(serve(config, listener))
    except OSError as error:
        where = f"{listener.host}:{listener.port}"
        problem = error.strerror or str(error)
        typer.echo(f"Cannot serve on {where}: {problem}", err=True)
        sys.exit(1)
