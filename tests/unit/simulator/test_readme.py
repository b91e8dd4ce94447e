"""The README's tables list what there is, no more and no less."""

import re
from pathlib import Path

import typer
from aiohttp import web

from nessus_simulator import app, cli
from nessus_simulator.calls import Outcome
from nessus_simulator.faults import Action, FaultSpec
from nessus_simulator.pipeline import CONTROL
from nessus_simulator.routes import control

README = Path(__file__).parents[2] / "simulator" / "README.md"


def table(head: str) -> set[str]:
    """The code words in the first column of the table with this head."""
    _, _, rest = README.read_text().partition(f"\n| {head} |")
    rows = rest.partition("\n\n")[0].splitlines()[2:]
    return {word for row in rows for word in re.findall(r"`([^`]+)`", row.split(" | ")[0])}


def requests(routes: list[web.RouteDef], prefix: str = "") -> set[str]:
    return {f"{route.method} {prefix}{re.sub(r':[^}]+}', '}', route.path)}" for route in routes}


def test_every_endpoint_is_listed() -> None:
    assert table("request") == requests(app.NESSUS_ROUTES)


def test_every_control_is_listed() -> None:
    assert table("control") == requests(control.ROUTES, CONTROL)


def test_every_option_is_listed() -> None:
    options = {name for each in typer.main.get_command(cli.app).params for name in each.opts}
    assert table("option") == options - {"--help"}


def test_every_action_outcome_and_field_is_listed() -> None:
    assert table("action") == set(Action)
    assert table("outcome") == set(Outcome)
    assert table("field") == set(FaultSpec.model_fields)
