"""The operator's process: settings in, an exit status out."""

import asyncio
import os
import sys

import structlog
import typer
from pydantic import ValidationError

from nessus_operator.clients.errors import Rejected
from nessus_operator.clients.kube.lease import LeadershipLost
from nessus_operator.clients.kube.login import load_configuration
from nessus_operator.clients.logs import configure
from nessus_operator.clients.tasks import until_one_ends
from nessus_operator.handlers.health import serve
from nessus_operator.handlers.metrics import OperatorMetrics
from nessus_operator.handlers.startup import (
    Operator,
    become_able,
    build,
    lead,
    listen_to_signals,
    stay_able,
)
from nessus_operator.settings import Settings

log = structlog.get_logger(__name__)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def run() -> None:
    """Run the operator: queue NessusScans, run each once on a scanner, store what it finds.

    It logs in with KUBECONFIG, or as the pod's ServiceAccount, and is told everything else by
    variables named NESSUS_OPERATOR_..., which operator/README.md lists. The ones to begin with:

    NESSUS_OPERATOR_RESULTS_DIR   folder for results (default /results)

    NESSUS_OPERATOR_NAMESPACES    namespaces to serve, separated by commas (default: all)

    NESSUS_OPERATOR_PORT          port of /health, /metrics, /livez, /readyz (default 8080)

    Several replicas may run: one leads by a Lease, the others wait. The exit status is 0 after
    SIGTERM, 1 when it cannot start or no longer leads.
    """
    sys.exit(start())


def start() -> int:
    try:
        settings = Settings()
    except ValidationError as error:
        return _refuse(_wrong_setting(error))
    folder = settings.results_dir
    if not folder.is_dir():
        return _refuse(f"NESSUS_OPERATOR_RESULTS_DIR names {folder}, which is not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        return _refuse(f"NESSUS_OPERATOR_RESULTS_DIR names {folder}, which cannot be written")
    metrics = OperatorMetrics()
    configure(settings.log_level, metrics.count_log)
    try:
        return asyncio.run(_run(settings, metrics))
    except Rejected as error:
        return _refuse(str(error))
    except LeadershipLost as error:
        return _refuse(f"no longer leads: {error}")
    except OSError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        return 0


async def _run(settings: Settings, metrics: OperatorMetrics) -> int:
    operator = build(settings, await load_configuration(), metrics)
    listen_to_signals(operator)
    servers = await serve(operator)
    following = [asyncio.create_task(reflector.run()) for reflector in operator.reflectors]
    try:
        await until_one_ends(_serve(operator), operator.told_to_end.wait())
    finally:
        await operator.world.lease.release()
        for task in following:
            task.cancel()
        for server in servers:
            await server.cleanup()
        await operator.world.kube.session.close()
    return 0


async def _serve(operator: Operator) -> None:
    await become_able(operator)
    await until_one_ends(_follow_and_lead(operator), stay_able(operator))


async def _follow_and_lead(operator: Operator) -> None:
    await operator.world.lease.acquire()
    await lead(operator)


def _wrong_setting(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    name = str(first["loc"][0]).upper()
    return f"NESSUS_OPERATOR_{name} is wrong: {first['msg'].removeprefix('Value error, ')}"


def _refuse(text: str) -> int:
    sys.stderr.write(f"nessus-operator: {text}\n")
    return 1


def main() -> None:
    app()


if __name__ == "__main__":
    main()
