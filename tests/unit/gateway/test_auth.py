"""The tokens file as it changes under a running gateway."""

import os
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from nessus_gateway import tokens
from nessus_gateway.auth import StaticTokens, TokensFile
from nessus_gateway.metrics import GatewayMetrics
from nessus_operator.clients.errors import Rejected

A, B = tokens.new_token(), tokens.new_token()


def content(*known: str) -> str:
    return "".join(
        tokens.Entry(
            name=f"agent-{n}",
            sha256=tokens.digest(token),
            namespaces=("security",),
            scopes=("scan:read",),
        ).to_yaml()
        for n, token in enumerate(known)
    )


@pytest.fixture
def metrics() -> GatewayMetrics:
    return GatewayMetrics((), ())


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tokens.yaml"
    path.write_text(content(A))
    return path


def sample(registry: CollectorRegistry, result: str, reason: str) -> float | None:
    labels = {"result": result, "reason": reason}
    return registry.get_sample_value("auth_attempts_total", labels)


async def test_a_token_lets_in_and_is_counted(file: Path, metrics: GatewayMetrics) -> None:
    login = StaticTokens(TokensFile(file, metrics), metrics)
    access = await login.verify_token(A)
    assert access is not None
    assert (access.client_id, access.scopes) == ("agent-0", ["scan:read"])
    assert access.claims["namespaces"] == ("security",)
    assert await login.verify_token(B) is None
    assert sample(metrics.registry, "success", "ok") == 1
    assert sample(metrics.registry, "failure", "invalid_token") == 1


def test_a_new_token_works_at_once_and_an_old_one_no_longer(
    file: Path, metrics: GatewayMetrics
) -> None:
    known = TokensFile(file, metrics)
    file.write_text(content(B))
    assert tokens.find(B, known.entries())
    assert tokens.find(A, known.entries()) is None


def test_a_file_that_is_replaced_as_kubernetes_does_is_read_again(
    tmp_path: Path, metrics: GatewayMetrics
) -> None:
    for version, token in (("v1", A), ("v2", B)):
        (tmp_path / version).mkdir()
        (tmp_path / version / "tokens.yaml").write_text(content(token))
    current, following = tmp_path / "current", tmp_path / "following"
    current.symlink_to("v1")
    known = TokensFile(current / "tokens.yaml", metrics)
    following.symlink_to("v2")
    os.replace(following, current)
    assert tokens.find(B, known.entries())
    assert tokens.find(A, known.entries()) is None


def test_a_broken_file_leaves_the_last_good_one(file: Path, metrics: GatewayMetrics) -> None:
    known = TokensFile(file, metrics)
    file.write_text("- broken")
    assert tokens.find(A, known.entries())
    ok = "nessus_config_last_reload_successful"
    assert metrics.registry.get_sample_value(ok) == 0
    file.write_text(content(A, B))
    assert tokens.find(B, known.entries())
    assert metrics.registry.get_sample_value(ok) == 1


def test_a_file_that_is_gone_lets_nobody_in_until_it_is_back(
    file: Path, metrics: GatewayMetrics
) -> None:
    known = TokensFile(file, metrics)
    file.unlink()
    assert tokens.find(A, known.entries()) is None
    file.write_text(content(A))
    assert tokens.find(A, known.entries())


def test_without_a_file_there_is_no_start(tmp_path: Path, metrics: GatewayMetrics) -> None:
    with pytest.raises(Rejected, match=r"TOKENS_FILE names .*none.yaml: No such file"):
        TokensFile(tmp_path / "none.yaml", metrics)


def test_with_a_broken_file_there_is_no_start(file: Path, metrics: GatewayMetrics) -> None:
    file.write_text("- broken")
    with pytest.raises(Rejected, match=r"which has a wrong entry 1"):
        TokensFile(file, metrics)
