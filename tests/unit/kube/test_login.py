"""Where the API server is: KUBECONFIG, else the pod's own account; else what to correct."""

from pathlib import Path

import pytest
import yaml

from nessus_operator.clients.errors import Rejected
from nessus_operator.clients.kube.login import load_configuration, open_session


def write(folder: Path, text: str) -> Path:
    file = folder / "kubeconfig"
    file.write_text(text)
    return file


def kubeconfig(server: str) -> str:
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "users": [{"name": "u", "user": {"token": "secret-token"}}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "x",
        }
    )


UNUSABLE = {
    "no YAML": ("a: [b", "is not the YAML of a kubeconfig"),
    "nothing": ("", "is not the YAML of a kubeconfig"),
    "another kind of file": ("just: this", "cannot be used"),
    "a list": ("- a\n- b", "is not the YAML of a kubeconfig"),
    "no such context": (
        kubeconfig("https://192.0.2.1:6443").replace("current-context: x", "current-context: y"),
        "cannot be used",
    ),
    "bytes": ("\x00\x01", "is not the YAML of a kubeconfig"),
}


@pytest.mark.parametrize(("text", "problem"), UNUSABLE.values(), ids=UNUSABLE)
async def test_a_file_that_cannot_be_used_is_named(
    text: str, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, text)
    monkeypatch.setenv("KUBECONFIG", str(file))
    with pytest.raises(Rejected, match=f"KUBECONFIG {file} {problem}") as refused:
        await load_configuration()
    assert "secret-token" not in str(refused.value)


async def test_a_file_that_does_not_exist_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nowhere"))
    with pytest.raises(Rejected, match=r"KUBECONFIG names .*/nowhere, which does not exist"):
        await load_configuration()


async def test_without_a_file_and_outside_a_pod_it_says_what_to_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(Rejected, match=r"no cluster found: .*; set KUBECONFIG or run inside a pod"):
        await load_configuration()


@pytest.mark.parametrize(
    "server", ["https://192.0.2.1:6443", "https://rancher.example.org/k8s/c-1"]
)
async def test_the_session_knows_the_server(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", str(write(tmp_path, kubeconfig(server))))
    configuration = await load_configuration()
    assert configuration.host == server
    async with open_session(configuration) as session:
        assert not session.trust_env
