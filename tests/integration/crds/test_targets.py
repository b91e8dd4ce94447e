"""Which texts the API server takes for a target, and which for an entry of a pool's scope."""

import pytest
from tests.integration.crds.bodies import pool_body, scan_body, try_create
from tests.kube import Kube

LABEL = "a" * 63
LONGEST = ".".join([LABEL, LABEL, LABEL, "a" * 61])

TARGETS = (
    *("192.0.2.1", "192.0.2.0/24", "192.0.2.7/32", "192.0.2.1-192.0.2.9", "0.0.0.0/0"),
    *("2001:db8::1", "2001:db8::/64", "2001:db8::1-2001:db8::ff", "2001:DB8::A"),
    *("app.example.org", "App.Example.ORG", "localhost", "kubernetes.default.svc", "a", LONGEST),
    *("_dmarc.example.org", "xn--bcher-kva.example", "a-1.b-2.example", "1.example"),
)
NO_TARGETS = (
    *("", " ", "192.0.2.1 ", "192.0.2.1,192.0.2.2", "192.0.2.1 192.0.2.2", "192.0.2.1\n"),
    *("010.0.0.1", "127.1", "2130706433", "0x7f000001", "1.2.3", "1.2.3.4.5", "256.0.0.1"),
    *("::ffff:192.0.2.1", "fe80::1%eth0", "[2001:db8::1]", "2001:db8::g"),
    *("192.0.2.5/24", "2001:db8::1/64", "192.0.2.0/33", "192.0.2.0/", "192.0.2.0/255.255.255.0"),
    *("192.0.2.1-2001:db8::1", "192.0.2.1-9", "192.0.2.1-", "-192.0.2.1", "192.0.2.1-192.0.2.0/24"),
    *("x[192.0.2.1]", "https://example.org", "example.org:443", "*.example.org", "example.org."),
    *("example..org", ".example.org", "-a.example", "a-.example", "exa mple", "bücher.example"),
    *("example.org/24", "user@example.org", "a" * 64, LONGEST + "a", "a.1", "$(reboot)"),
)
SCOPE = (
    *("192.0.2.1", "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0", "app.example.org"),
    *("*.example.org", "localhost", "*.a"),
)
NO_SCOPE = (
    *("", "*", "*.", "a.*.example.org", "*example.org", "192.0.2.5/24", "192.0.2.1-192.0.2.9"),
    *("010.0.0.1", "::ffff:192.0.2.1", "Example.org", "https://example.org", "192.0.2.*"),
)


@pytest.mark.parametrize("target", TARGETS)
async def test_a_target_may_be(kube: Kube, target: str) -> None:
    assert await try_create(kube, scan_body(targets=[target])) is None


@pytest.mark.parametrize("target", NO_TARGETS)
async def test_a_target_may_not_be(kube: Kube, target: str) -> None:
    answer = await try_create(kube, scan_body(targets=[target]))

    assert answer
    assert "spec.targets[0]: " in answer


async def test_a_scan_has_1_to_512_targets_of_8192_characters(kube: Kube) -> None:
    longest = [f"h{number:015d}" for number in range(512)]

    assert await try_create(kube, scan_body(targets=longest)) is None

    for targets, text in (
        ([], "should have at least 1 items"),
        ([*longest[1:], "a", "b"], "must have at most 512 items"),
        ([*longest[1:], "h" * 17], "may have at most 8192 characters together"),
        (["192.0.2.1", "192.0.2.1"], "may not name a target twice"),
    ):
        answer = await try_create(kube, scan_body(targets=targets))
        assert answer
        assert text in answer


@pytest.mark.parametrize("entry", SCOPE)
@pytest.mark.parametrize("side", ["allow", "deny"])
async def test_a_scope_may_name(kube: Kube, side: str, entry: str) -> None:
    assert await try_create(kube, pool_body(scope={side: [entry]})) is None


@pytest.mark.parametrize("entry", NO_SCOPE)
@pytest.mark.parametrize("side", ["allow", "deny"])
async def test_a_scope_may_not_name(kube: Kube, side: str, entry: str) -> None:
    answer = await try_create(kube, pool_body(scope={side: [entry]}))

    assert answer
    assert f"spec.scope.{side}[0]: " in answer
