"""How the operator starts, what it says where it lacks something, and how it ends."""

import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.integration.operator.ground import ask
from tests.integration.operator.troubles import until_logged, until_missing, until_ready
from tests.kube import Kube, path_of
from tests.running import Stage, grant

from nessus_operator.handlers.startup import rights
from nessus_simulator.running import Simulator

SERVER = "http://127.0.0.1:9"  # the port of the discard service, where nobody listens

# What is wrong, and the line that says so; {path} does not exist, {port} is taken.
REFUSALS: dict[str, tuple[dict[str, str], str]] = {
    "a kubeconfig that is missing": (
        {"KUBECONFIG": "{path}"},
        "KUBECONFIG names {path}, which does not exist",
    ),
    "a kubeconfig that is none": (
        {"KUBECONFIG": "{text}"},
        "KUBECONFIG {text} is not the YAML of a kubeconfig",
    ),
    "no kubeconfig outside of a cluster": (
        {"KUBECONFIG": "", "KUBERNETES_SERVICE_HOST": "", "KUBERNETES_SERVICE_PORT": ""},
        "no cluster found: Service host/port is set but empty; set KUBECONFIG or run inside a pod",
    ),
    "a results folder that is missing": (
        {"NESSUS_OPERATOR_RESULTS_DIR": "{path}"},
        "NESSUS_OPERATOR_RESULTS_DIR names {path}, which is not a folder",
    ),
    "a results folder that is a file": (
        {"NESSUS_OPERATOR_RESULTS_DIR": "{text}"},
        "NESSUS_OPERATOR_RESULTS_DIR names {text}, which is not a folder",
    ),
    "a port that is taken": (
        {"NESSUS_OPERATOR_PORT": "{port}"},
        "cannot listen on 127.0.0.1:{port}: Address already in use",
    ),
    "a port for metrics that is taken": (
        {"NESSUS_OPERATOR_METRICS_PORT": "{port}"},
        "cannot listen on 127.0.0.1:{port}: Address already in use",
    ),
    "a port that is no number": (
        {"NESSUS_OPERATOR_PORT": "http"},
        "NESSUS_OPERATOR_PORT is wrong: Input should be a valid integer, unable to parse string "
        "as an integer",
    ),
    "a namespace that cannot be one": (
        {"NESSUS_OPERATOR_NAMESPACES": "security,Not One"},
        "NESSUS_OPERATOR_NAMESPACES is wrong: 'Not One' is no name that Kubernetes has",
    ),
    "cluster ranges that are none": (
        {"NESSUS_OPERATOR_CLUSTER_RANGES": "10.96.0.0/12,services"},
        "NESSUS_OPERATOR_CLUSTER_RANGES is wrong: 'services' does not appear to be an IPv4 or "
        "IPv6 network",
    ),
}


@pytest.mark.parametrize(("wrong", "line"), REFUSALS.values(), ids=REFUSALS)
def test_with_something_wrong_it_ends_at_once_with_one_line(
    tmp_path: Path, wrong: Mapping[str, str], line: str
) -> None:
    text = tmp_path / "text"
    text.write_text("token: a secret\n- that no message shows")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        words = {"path": tmp_path / "none", "text": text, "port": taken.getsockname()[1]}
        changes = {name: value.format(**words) for name, value in wrong.items()}
        done = subprocess.run(
            [sys.executable, "-m", "nessus_operator"],
            env=complete_settings(tmp_path) | changes,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == f"nessus-operator: {line.format(**words)}\n"
    assert [one for one in done.stdout.splitlines() if '"event": "Listens"' not in one] == []


def complete_settings(folder: Path) -> dict[str, str]:
    login = folder / "kubeconfig"
    user = [{"name": "a", "user": {"token": "t"}}]
    cluster = [{"name": "a", "cluster": {"server": SERVER}}]
    context = [{"name": "a", "context": {"cluster": "a", "user": "a"}}]
    login.write_text(
        yaml.safe_dump(
            {"clusters": cluster, "users": user, "contexts": context, "current-context": "a"}
        )
    )
    results = folder / "results"
    results.mkdir()
    return os.environ | {
        "KUBECONFIG": str(login),
        "NESSUS_OPERATOR_RESULTS_DIR": str(results),
        "NESSUS_OPERATOR_HOST": "127.0.0.1",
        "NESSUS_OPERATOR_PORT": "0",
    }


async def test_rights_that_are_missing_are_named_until_they_are_granted(
    kube: Kube,
    namespace: str,
    service_account_kubeconfig: Callable[..., Awaitable[Path]],
    simulator: Simulator,
    tmp_path: Path,
) -> None:
    login = await service_account_kubeconfig("nessus-operator")
    (tmp_path / "results").mkdir()
    stage = Stage(kube, namespace, login, tmp_path / "results", tmp_path)
    await stage.create_pool(simulator.url)
    await stage.create_scan()
    named = [
        f"{verb} {right.resource} in namespace {namespace}"
        for right in rights(namespace)
        for verb in right.verbs
    ]
    lists = [f"{kind}: not read yet" for kind in ("nessusscans", "scannerpools")]
    operator = stage.start()
    try:
        check = await until_missing(operator, *named, *lists)
        assert check["reason"] == "rights_missing"
        line = await until_logged(operator, "Not ready")
        assert set(line["missing"]) == {*named, *lists}
        assert simulator.calls() == []
        assert await kube.items(path_of("leases", namespace)) == []
        await grant(kube, namespace, "nessus-operator")
        await until_ready(operator)
        await stage.until("Completed")
    finally:
        stage.stop()
        await kube.delete(path_of("clusterrolebindings", name=f"nessus-operator-{namespace}"))


async def test_without_an_api_server_it_waits_and_shows_no_address(tmp_path: Path) -> None:
    settings = complete_settings(tmp_path)
    results = Path(settings["NESSUS_OPERATOR_RESULTS_DIR"])
    stage = Stage(Any, "security", Path(settings["KUBECONFIG"]), results, tmp_path)  # type: ignore[arg-type]
    operator = stage.start()
    try:
        check = await until_missing(
            operator,
            "rights not known: the API server does not answer",
            "nessusscans: not read yet",
            "scannerpools: not read yet",
        )
        assert check["leading"] is False
        assert "127.0.0.1" not in (await ask(operator, "/health")).text
        assert operator.terminate(5) == 0
    finally:
        stage.stop()
