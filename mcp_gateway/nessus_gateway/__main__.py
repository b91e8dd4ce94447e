"""The command nessus-gateway: serve, and make tokens."""

import asyncio
import json
import sys
from typing import Annotated

import structlog
import typer
import uvloop
from pydantic import ValidationError

from nessus_gateway.access import MEANINGS, Scope
from nessus_gateway.metrics import GatewayMetrics
from nessus_gateway.server import TOOL_NAMES
from nessus_gateway.service import check_folder, run
from nessus_gateway.settings import Settings
from nessus_gateway.tokens import Entry, digest, new_token
from nessus_operator.clients.errors import Rejected
from nessus_operator.clients.logs import configure
from nessus_operator.results.profiles import CUSTOM, PROFILES

log = structlog.get_logger(__name__)

app = typer.Typer(add_completion=False, rich_markup_mode="markdown")
token = typer.Typer(add_completion=False, rich_markup_mode="markdown", no_args_is_help=True)
app.add_typer(token, name="token", help="Make the tokens by which agents log in.")

_SCOPES = ", ".join(f"`{scope}` ({meaning})" for scope, meaning in MEANINGS.items())


@app.callback(invoke_without_command=True)
def gateway(context: typer.Context) -> None:
    """The MCP gateway: AI agents ask it for vulnerability scans and read what was found.

    Without a command it serves. Make a token first: `nessus-gateway token create --help`.
    """
    if context.invoked_subcommand is None:
        serve()


@app.command()
def serve() -> None:
    """Serve MCP at /mcp, and /health, /livez, /readyz, /metrics beside it.

    It logs in with KUBECONFIG, or as the pod's ServiceAccount, and is told everything else by
    variables named NESSUS_GATEWAY_..., which mcp_gateway/README.md lists. The ones to begin with:

    NESSUS_GATEWAY_RESULTS_DIR   folder where the operator stores results (default /results)

    NESSUS_GATEWAY_TOKENS_FILE   who may call (default /etc/nessus-gateway/tokens.yaml)

    NESSUS_GATEWAY_NAMESPACES    namespaces to serve, separated by commas (default: all)

    NESSUS_GATEWAY_PORT          port to listen on (default 8000)

    Any number of replicas may run; each answers every request. The exit status is 0 after SIGTERM
    and 1 when it cannot start, with one line that says why.
    """
    sys.exit(_start())


def _start() -> int:
    try:
        settings = Settings()
        check_folder(settings)
    except ValidationError as error:
        return _refuse(_wrong_setting(error))
    except Rejected as error:
        return _refuse(str(error))
    metrics = GatewayMetrics(TOOL_NAMES, (*PROFILES, CUSTOM))
    configure(settings.log_level, metrics.count_log)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(settings, metrics))
    except (Rejected, OSError) as error:
        return _refuse(str(error))
    return 0


def _wrong_setting(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    name = "_".join(map(str, first["loc"])).upper()
    return f"NESSUS_GATEWAY_{name} is wrong: {first['msg']}"


def _refuse(text: str) -> int:
    sys.stderr.write(f"nessus-gateway: {text}\n")
    return 1


@token.command()
def create(
    name: Annotated[
        str, typer.Option(help="Who will use it; shown in audit lines and in the scans it makes.")
    ],
    namespace: Annotated[
        list[str],
        typer.Option(
            help="A namespace that it reaches; repeat for more. The first is where its scans go. "
            "`*` is every namespace."
        ),
    ],
    scope: Annotated[
        list[str], typer.Option(help=f"What it may do there; repeat for more: {_SCOPES}.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one line of JSON, for scripts.")
    ] = False,
) -> None:
    """Make a token and the entry of the tokens file that lets it in.

    The token is printed once and stored nowhere; the entry holds only its digest. Example:

        nessus-gateway token create --name agent-7 --namespace security \\
            --scope scan:read --scope scan:run
    """
    unknown = [one for one in scope if one not in tuple(Scope)]
    if unknown:
        known = ", ".join(Scope)
        raise typer.BadParameter(
            f"there is no scope {unknown[0]}; there are {known}", param_hint="--scope"
        )
    secret = new_token()
    try:
        entry = Entry.model_validate(
            {
                "name": name,
                "sha256": digest(secret),
                "namespaces": namespace,
                "scopes": scope,
            }
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise typer.BadParameter(
            f"--{str(first['loc'][0]).removesuffix('s')}: {first['msg']}"
        ) from None
    if as_json:
        typer.echo(json.dumps({"token": secret, "entry": entry.model_dump(mode="json")}))
        return
    typer.echo("Token, shown only now; give it to the agent as Authorization: Bearer\n")
    typer.echo(secret)
    typer.echo("\nAdd this to the file that NESSUS_GATEWAY_TOKENS_FILE names:\n")
    typer.echo(entry.to_yaml())
    typer.echo("A running gateway reads the file again by itself; no restart is needed.")


def main() -> None:
    app(prog_name="nessus-gateway")


if __name__ == "__main__":
    main()
