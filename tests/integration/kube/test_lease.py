"""Of several candidates one leads, and knows when it no longer does."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.integration.conftest import ROOT, ControlPlane
from tests.integration.kube.conftest import Connect
from tests.integration.kube.terms import TERMS
from tests.kube import Kube as Admin
from tests.kube import Object, path_of
from tests.proxy import Proxy

from nessus_operator.clients import clock
from nessus_operator.clients.kube.lease import LeadershipLost, Lease
from nessus_operator.clients.kube.requests import Kube

NAME = "nessus-operator"


@pytest.fixture
def candidate(connect: Connect, namespace: str) -> Callable[..., Awaitable[Lease]]:
    """`await candidate("a")` is a candidate of that identity."""

    async def candidate(identity: str, kube: Kube | None = None) -> Lease:
        return Lease(kube or await connect(), namespace, NAME, identity, TERMS)

    return candidate


Candidate = Callable[..., Awaitable[Lease]]


@asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator["asyncio.Future[None]"]:
    """A task that ends with the block."""
    task = asyncio.ensure_future(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def spec_of(kube: Admin, namespace: str) -> Object:
    spec: Object = (await kube.get(path_of("leases", namespace, NAME)))["spec"]
    return spec


async def test_of_two_candidates_one_leads(
    candidate: Candidate, kube: Admin, namespace: str
) -> None:
    both = [await candidate("a"), await candidate("b")]
    async with running(both[0].acquire()) as a, running(both[1].acquire()) as b:
        done, waiting = await asyncio.wait([a, b], return_when=asyncio.FIRST_COMPLETED, timeout=10)
        assert len(done) == len(waiting) == 1
        await asyncio.sleep(TERMS.retry_period * 2)
        assert [one.valid() for one in both].count(True) == 1
        leader = next(one for one in both if one.valid())
        spec = await spec_of(kube, namespace)
        assert spec["holderIdentity"] == leader.identity
        assert (spec["leaseTransitions"], spec["leaseDurationSeconds"]) == (0, 4)


async def test_who_renews_stays_the_leader(
    candidate: Candidate, kube: Admin, namespace: str
) -> None:
    a, b = await candidate("a"), await candidate("b")
    await a.acquire()
    first = await spec_of(kube, namespace)
    async with running(a.keep()) as keeping, running(b.acquire()) as waiting:
        await asyncio.sleep(TERMS.duration * 1.5)
        assert a.valid()
        assert not keeping.done()
        assert not waiting.done()
    last = await spec_of(kube, namespace)
    assert last["renewTime"] > first["renewTime"]
    assert last["acquireTime"] == first["acquireTime"]


async def test_who_falls_silent_is_followed_after_the_duration_and_not_before(
    candidate: Candidate, kube: Admin, namespace: str
) -> None:
    a, b = await candidate("a"), await candidate("b")
    await a.acquire()
    begun = clock.monotonic()
    await b.acquire()
    assert clock.monotonic() - begun >= TERMS.duration
    assert b.valid()
    assert not a.valid()
    assert (await spec_of(kube, namespace))["leaseTransitions"] == 1


async def test_who_lets_go_is_followed_at_once(
    candidate: Candidate, kube: Admin, namespace: str
) -> None:
    a, b = await candidate("a"), await candidate("b")
    await a.acquire()
    async with running(b.acquire()) as waiting:
        await asyncio.sleep(TERMS.retry_period)
        await a.release()
        begun = clock.monotonic()
        await asyncio.wait_for(waiting, TERMS.duration)
        assert clock.monotonic() - begun < TERMS.duration / 2
    assert not a.valid()
    spec = await spec_of(kube, namespace)
    assert (spec["holderIdentity"], spec["leaseTransitions"]) == ("b", 1)


async def test_who_does_not_lead_lets_nothing_go(
    candidate: Candidate, kube: Admin, namespace: str
) -> None:
    a, b = await candidate("a"), await candidate("b")
    await a.acquire()
    await b.release()
    assert (await spec_of(kube, namespace))["holderIdentity"] == "a"


async def test_a_leader_that_was_cut_off_has_lost_after_its_deadline(
    candidate: Candidate, connect: Connect, through_proxy: Path, proxy: Proxy
) -> None:
    a = await candidate("a", await connect(through_proxy))
    await a.acquire()
    async with running(a.keep()) as keeping:
        await asyncio.sleep(TERMS.retry_period * 2)
        proxy.cut()
        begun = clock.monotonic()
        with pytest.raises(LeadershipLost, match="was not renewed"):
            await asyncio.wait_for(keeping, TERMS.duration * 3)
        gone = clock.monotonic() - begun
        assert TERMS.renew_deadline - 2 * TERMS.retry_period <= gone
        assert not a.valid()


TRANSIENT = {"Forbidden": 403, "not found": 404, "too many requests": 429, "not available": 503}


@pytest.mark.parametrize("code", TRANSIENT.values(), ids=TRANSIENT)
async def test_what_a_server_says_while_it_starts_costs_no_leadership(
    code: int, candidate: Candidate, connect: Connect, through_proxy: Path, proxy: Proxy
) -> None:
    a = await candidate("a", await connect(through_proxy))
    await a.acquire()
    async with running(a.keep()) as keeping:
        proxy.answer("GET .*/leases/", code)
        await asyncio.sleep(TERMS.retry_period * 3)
        proxy.heal()
        await asyncio.sleep(TERMS.renew_deadline)
        assert a.valid()
        assert not keeping.done()


async def test_who_may_not_yet_read_the_lease_waits_until_it_may(
    candidate: Candidate, connect: Connect, through_proxy: Path, proxy: Proxy
) -> None:
    a = await candidate("a", await connect(through_proxy))
    proxy.answer("GET .*/leases/", 403)
    async with running(a.acquire()) as waiting:
        await asyncio.sleep(TERMS.retry_period * 2)
        assert not waiting.done()
        proxy.heal()
        await asyncio.wait_for(waiting, 10)
    assert a.valid()


TAKEN = {"another holds it": "other", "it was let go by another": ""}


@pytest.mark.parametrize("holder", TAKEN.values(), ids=TAKEN)
async def test_who_finds_it_taken_has_lost_at_once_and_does_not_take_it_back(
    holder: str, candidate: Candidate, kube: Admin, namespace: str
) -> None:
    a = await candidate("a")
    await a.acquire()
    lease = path_of("leases", namespace, NAME)
    await kube.patch(lease, {"spec": {"holderIdentity": holder}})
    begun = clock.monotonic()
    with pytest.raises(LeadershipLost, match=f"is held by {holder or 'nobody'}"):
        await asyncio.wait_for(a.keep(), TERMS.duration)
    assert clock.monotonic() - begun < TERMS.renew_deadline
    assert not a.valid()
    assert ((await spec_of(kube, namespace)).get("holderIdentity") or "") == holder


async def test_a_lease_that_holds_nothing_is_free(
    candidate: Candidate, kube: Admin, namespace: str
) -> None:
    await kube.create(path_of("leases", namespace), {"metadata": {"name": NAME}})
    a = await candidate("a")
    await asyncio.wait_for(a.acquire(), 5)
    assert (await spec_of(kube, namespace))["holderIdentity"] == "a"


async def test_a_process_that_was_stopped_knows_that_another_may_lead(
    candidate: Candidate, control_plane: ControlPlane, kube: Admin, namespace: str
) -> None:
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.integration.kube.holder", namespace, NAME, "child"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
        env=os.environ | {"KUBECONFIG": str(control_plane.kubeconfig)},
    )
    assert child.stdin
    assert child.stdout
    try:
        assert await said(child.stdout) == "leads"
        child.stdin.write(b"\n")
        assert await said(child.stdout) == "valid: True"
        child.send_signal(signal.SIGSTOP)
        follower = await candidate("follower")
        async with asyncio.timeout(30):
            await follower.acquire()
        async with running(follower.keep()) as keeping:
            child.stdin.write(b"\n")
            child.send_signal(signal.SIGCONT)
            assert await said(child.stdout) == "valid: False"
            assert await said(child.stdout) == "lost"
            assert follower.valid()
            assert not keeping.done()
        assert (await spec_of(kube, namespace))["holderIdentity"] == "follower"
    finally:
        child.kill()
        await child.communicate()


async def said(output: asyncio.StreamReader) -> str:
    """The next line that begins as one of the holder's does; its log stands between."""
    async with asyncio.timeout(30):
        while line := (await output.readline()).decode():
            if line.startswith(("leads", "lost", "valid")):
                return line.strip()
    raise AssertionError("the process has ended")
