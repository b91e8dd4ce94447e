"""What a pool may say, and what the API server keeps of it."""

from typing import Any

import pytest
from tests.integration.crds.bodies import TIME, pool_body, scanner, try_create, verdict
from tests.kube import Kube, Object, path_of

from nessus_operator.api import names

URLS = (
    *("https://nessus.example.org:8834", "https://nessus", "https://192.0.2.1:8834"),
    *("https://[2001:db8::1]:8834", "https://[2001:db8::1]", "https://a-1.example.org:65535"),
    *("https://127.0.0.1:8834", "https://localhost:8834", "https://[::1]:8834"),
    *("http://127.0.0.1:8834", "http://127.8.9.10", "http://localhost:8834", "http://[::1]:8834"),
)
NO_URLS = (
    *("", "nessus.example.org", "//nessus.example.org", "ftp://nessus.example.org"),
    *("HTTPS://nessus.example.org", "https://Nessus.example.org", "https://"),
    *("https://nessus.example.org/", "https://nessus.example.org/api", "https://nessus?x=1"),
    *("https://nessus.example.org#x", "https://user@nessus", "https://user:pass@nessus"),
    *("https://nessus:0", "https://nessus:65536", "https://nessus:", "https://nessus:8834:1"),
    *("https://2130706433", "https://0x7f000001", "https://0", "https://127.1"),
    *("https://010.0.0.1", "https://256.0.0.1", "https://192.0.2.1.", "https://nessus."),
    *("https://0.0.0.0:8834", "https://0.1.2.3", "https://[::]:8834", "https://[0:0:0:0:0:0:0:0]"),
    *("https://[0::0]", "https://[::0]", "https://169.254.169.254", "https://[fe80::1]"),
    *("https://[::ffff:127.0.0.1]", "https://[::ffff:7f00:1]", "https://[fe80::1%25eth0]"),
    *("https://[2001:db8::g]", "https://[2001:db8::1", "https://nessus example.org", "https://-a"),
    *("https://nessus.example.org\n", "https://nessus\\@example.org", "https://[::1]x"),
)
PLAIN = ("http://nessus.example.org:8834", "http://192.0.2.1", "http://[2001:db8::1]:8834")
NOT_LOOPBACK = ("http://127.example.org", "http://localhost.example.org", "http://[::1:2]")
TRUSTED = {"caBundleRef": {"name": "nessus-ca"}}


@pytest.mark.parametrize("url", URLS)
async def test_a_scanner_may_be_at(kube: Kube, url: str) -> None:
    assert await try_create(kube, pool_body(scanner(url=url))) is None


@pytest.mark.parametrize("url", NO_URLS)
@pytest.mark.parametrize("tls", [{}, {"allowPlaintext": True}], ids=["strict", "plaintext"])
async def test_a_scanner_may_not_be_at(kube: Kube, url: str, tls: Object) -> None:
    answer = await try_create(kube, pool_body(scanner(url=url, tls=tls)))

    assert answer
    assert "spec.scanners[0].url: " in answer


@pytest.mark.parametrize("url", [*PLAIN, *NOT_LOOPBACK])
async def test_plain_http_over_a_network_has_to_be_allowed(kube: Kube, url: str) -> None:
    answer = await try_create(kube, pool_body(scanner(url=url)))

    assert answer
    assert "spec.scanners[0].url: " in answer
    assert "tls.allowPlaintext" in answer
    allowed = scanner(url=url, tls={"allowPlaintext": True})
    assert await try_create(kube, pool_body(allowed)) is None


# A pool -> the field that the server names; None: accepted.
POOLS: dict[str, tuple[Object, str | None]] = {
    "no scanners": (pool_body() | {"spec": {"scanners": []}}, "spec.scanners"),
    "64 scanners": (pool_body(*(scanner(name=f"s{n}") for n in range(64))), None),
    "65 scanners": (pool_body(*(scanner(name=f"s{n}") for n in range(65))), "spec.scanners"),
    "two scanners of one name": (pool_body(scanner(), scanner()), "spec.scanners[1]"),
    "a scanner whose name has dots": (
        pool_body(scanner(name="a.b")),
        "spec.scanners[0].name",
    ),
    "another kind of scanner": (pool_body(scanner(type="OpenVAS")), "spec.scanners[0].type"),
    "a scanner without a login": (
        pool_body({"name": "a", "url": "https://nessus"}),
        "spec.scanners[0].auth",
    ),
    "an unknown login": (
        pool_body(scanner(auth={"type": "Basic", "secretRef": {"name": "a"}})),
        "spec.scanners[0].auth.type",
    ),
    "a scanner without slots": (
        pool_body(scanner(maxConcurrentScans=0)),
        "spec.scanners[0].maxConcurrentScans",
    ),
    "a CA of its own": (pool_body(scanner(tls=TRUSTED)), None),
    "any certificate": (pool_body(scanner(tls={"insecureSkipVerify": True})), None),
    "a CA of its own and any certificate": (
        pool_body(scanner(tls=TRUSTED | {"insecureSkipVerify": True})),
        "spec.scanners[0].tls.insecureSkipVerify",
    ),
    "a CA under a path": (
        pool_body(scanner(tls={"caBundleRef": {"name": "ca", "key": "../ca.crt"}})),
        "spec.scanners[0].tls.caBundleRef.key",
    ),
    "an unknown stop policy": (pool_body(stopPolicy="Stop"), "spec.stopPolicy"),
    "a recovery that ends before it begins": (
        pool_body(circuitBreaker={"recoverySeconds": 60, "maxRecoverySeconds": 59}),
        "spec.circuitBreaker.maxRecoverySeconds",
    ),
    "a recovery above the default maximum": (
        pool_body(circuitBreaker={"recoverySeconds": 301}),
        "spec.circuitBreaker.maxRecoverySeconds",
    ),
    "one recovery for all": (
        pool_body(circuitBreaker={"recoverySeconds": 60, "maxRecoverySeconds": 60}),
        None,
    ),
    "polls without a pause": (pool_body(pollPeriodSeconds=4), "spec.pollPeriodSeconds"),
    "a folder named in any script": (pool_body(collect={"folders": ["Büro <1>"]}), None),
    "a folder with an escape": (
        pool_body(collect={"folders": ["a\x1b[1m"]}),
        "spec.collect.folders[0]",
    ),
    "a template twice": (pool_body(templates=["basic", "basic"]), "spec.templates[1]"),
    "a target allowed twice": (
        pool_body(scope={"allow": ["192.0.2.1", "192.0.2.1"]}),
        "spec.scope.allow[1]",
    ),
    "257 targets allowed": (
        pool_body(scope={"allow": [f"h{number}" for number in range(257)]}),
        "spec.scope.allow",
    ),
    "no hosts to scan": (pool_body(scope={"maxHostsPerScan": 0}), "spec.scope.maxHostsPerScan"),
    "remote scans that are kept": (pool_body(retention={"remoteScan": "Keep"}), None),
    "remote scans of an unknown fate": (
        pool_body(retention={"remoteScan": "Delete"}),
        "spec.retention.remoteScan",
    ),
    "a name of 64 characters": (
        pool_body() | {"metadata": {"name": "a" * 64}},
        "metadata.name",
    ),
}


@pytest.mark.parametrize(("body", "field"), POOLS.values(), ids=POOLS)
async def test_a_pool_has(kube: Kube, body: Object, field: str | None) -> None:
    answer = await try_create(kube, body)

    assert (answer is None) == (field is None), answer
    assert answer is None or f"{field}: " in answer


async def test_what_is_left_out_gets_its_default(kube: Kube, namespace: str) -> None:
    spec = (await kube.create(path_of(names.POOLS, namespace), pool_body()))["spec"]

    assert spec == {
        "stopPolicy": "None",
        "scanners": [
            scanner(
                type="Nessus",
                tls={"insecureSkipVerify": False, "allowPlaintext": False},
                maxConcurrentScans=2,
                unschedulable=False,
            )
        ],
        "scope": {"maxHostsPerScan": 4096},
        "maxPriority": 1000,
        "collect": {},
        "circuitBreaker": {
            "failureThreshold": 5,
            "recoverySeconds": 30,
            "maxRecoverySeconds": 300,
            "successThreshold": 2,
        },
        "pollPeriodSeconds": 30,
        "backoffLimit": 2,
        "retention": {
            "completedSeconds": 604800,
            "failedSeconds": 2592000,
            "resultsOnDelete": "Delete",
            "remoteScan": "DeleteAfterExport",
        },
    }


async def test_a_scanner_keeps_its_url_under_its_name(kube: Kube, namespace: str) -> None:
    second = scanner(name="scanner2", url="https://second.example.org")
    body = await kube.create(path_of(names.POOLS, namespace), pool_body(scanner(), second))
    path = path_of(names.POOLS, namespace, body["metadata"]["name"])

    async def patch(*scanners: Object, **spec: Any) -> str | None:
        return await verdict(kube.patch(path, {"spec": {"scanners": list(scanners), **spec}}))

    moved = scanner(url="https://elsewhere.example.org")
    answer = await patch(moved, second)
    assert answer
    assert "spec.scanners[0].url: Invalid value: " in answer
    assert "is immutable" in answer

    assert await patch(second, scanner(maxConcurrentScans=4, unschedulable=True)) is None
    assert await patch(second, scope={"allow": ["192.0.2.0/24"]}, stopPolicy="Hold") is None


async def test_a_pool_tells_of_its_scanners_and_orphans(kube: Kube, namespace: str) -> None:
    body = await kube.create(path_of(names.POOLS, namespace), pool_body())
    path = path_of(names.POOLS, namespace, body["metadata"]["name"])
    orphan = {"scannerName": "scanner1", "token": "t", "time": TIME, "reason": "Unreachable"}
    status = {
        "active": 1,
        "scanners": [{"name": "scanner1", "ready": True, "license": {"scanAPI": "Open"}}],
        "orphans": [orphan, orphan],
    }

    stored = await kube.patch(f"{path}/status", {"status": status})

    assert stored["status"] == status
    for wrong, field in (
        ({"orphans": [orphan] * 101}, "status.orphans"),
        ({"scanners": [{"name": "a"}, {"name": "a"}]}, "status.scanners[1]"),
        ({"scanners": [{"name": "a", "message": 'said "no"'}]}, "status.scanners[0].message"),
    ):
        answer = await verdict(kube.patch(f"{path}/status", {"status": wrong}))
        assert answer
        assert f"{field}: " in answer
