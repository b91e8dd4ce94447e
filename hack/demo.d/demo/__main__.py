"""The command `hack/demo`: what was asked for is checked here, before anything starts."""

import asyncio
import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from demo import report, targets
from demo.failures import AlreadySaid, Failure, Interrupted, WrongInput, explain
from demo.parts import HOST
from demo.report import Report, Unreadable
from demo.screen import Screen
from demo.story import Wishes, tell
from demo.targets import INVENTED

app = typer.Typer(add_completion=False, rich_markup_mode="markdown", pretty_exceptions_enable=False)


@app.command()
def main(
    once: Annotated[
        bool, typer.Option("--once", help="End after the first scan, with the status below.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="FILE",
            help="Let the scanners find what this .nessus file holds; targets and scope are its "
            "hosts. Without it they invent a report.",
        ),
    ] = None,
    port: Annotated[
        int,
        typer.Option(min=0, max=65535, help="Port of the gateway on 127.0.0.1; 0: any free one."),
    ] = 0,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0.1,
            show_default="a scan takes about 8 s",
            help="Simulated seconds per real second; a scanner takes 60 simulated ones per host.",
        ),
    ] = None,
) -> None:
    """Show the whole product on this machine, with real parts and two simulated scanners.

    It starts a Kubernetes API server, installs the kinds and the rights, and runs operator and
    gateway under those rights. Then it does what an agent does: asks for a scan through MCP,
    follows it and reads the findings. After that it tells how to connect an agent of yours, and
    stays up until Ctrl-C, which ends everything and removes what was written.

    The first time, the programs of Kubernetes are downloaded or built, which takes minutes;
    `hack/controlplane --help` says from where. Nothing is scanned, and nothing needs root.

    Examples:

        hack/demo

        hack/demo --once

        hack/demo --report scan.nessus --port 8000

    Exit status: 0 when the scan completed and the stored hosts, findings and compliance results are
    those that a count of the report finds; 1 when something failed, with one line that says what;
    2 for a wrong option or report; 130 after Ctrl-C before the scan had ended.
    """
    screen = Screen()
    try:
        _check_port(port)
        asyncio.run(tell(_wishes(once, file, port, speed), screen))
    except WrongInput as error:
        screen.failure(str(error))
        raise typer.Exit(2) from None
    except Failure as error:
        screen.failure(str(error), error.details)
        raise typer.Exit(1) from None
    except OSError as error:
        screen.failure(explain(error))
        raise typer.Exit(1) from None
    except AlreadySaid:
        raise typer.Exit(1) from None
    except Interrupted as error:
        raise typer.Exit(error.status) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _wishes(once: bool, file: Path | None, port: int, speed: float | None) -> Wishes:
    """Raises WrongInput for a report that cannot be shown."""
    if file is None:
        return Wishes(INVENTED, once, port, speed)
    given = _read(file)
    try:
        plan = asyncio.run(targets.of_report(given))
    except WrongInput as error:
        raise WrongInput(f"{file} {error}") from None
    return Wishes(plan, once, port, speed, file.resolve(), given.counts)


def _check_port(port: int) -> None:
    """Raises WrongInput where it is taken."""
    try:
        with socket.create_server((HOST, port)):
            pass
    except OSError as error:
        why = os.strerror(error.errno) if error.errno else error
        raise WrongInput(
            f"port {port} of {HOST} cannot be had ({why}): name another with --port, or leave it "
            "out for a free one"
        ) from None


def _read(file: Path) -> Report:
    try:
        with file.open("rb") as content:
            return report.read(content)
    except OSError as error:
        raise WrongInput(explain(error)) from None
    except Unreadable as error:
        raise WrongInput(f"{file} {error}") from None


if __name__ == "__main__":
    app(prog_name="hack/demo")
