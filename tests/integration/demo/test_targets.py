"""From the hosts of a report to targets, and to a scope that allows them all."""

import pytest
from demo import targets
from demo.failures import WrongInput
from demo.report import Counts, Report

from nessus_operator.api.pool import Scope
from nessus_operator.core import scope


def report(*names: str, addresses: tuple[str, ...] = ()) -> Report:
    return Report(Counts(len(names), 0, 0, {}), names, addresses, elements=len(names))


SCATTERED = tuple(f"10.0.{number // 100}.{number % 100 * 2 + 1}" for number in range(400))

HOSTS = {
    "an address": (report("192.0.2.7"), ("192.0.2.7",), ("192.0.2.7",)),
    "neighbours are one network": (
        report("192.0.2.6", "192.0.2.7", "2001:db8::1"),
        ("192.0.2.6/31", "2001:db8::1"),
        ("192.0.2.6/31", "2001:db8::1"),
    ),
    "a name in lower case, and where the report found it": (
        report("WEB-1.invalid", addresses=("192.0.2.7",)),
        ("web-1.invalid",),
        ("web-1.invalid", "192.0.2.7"),
    ),
    "an address that the report gives for itself": (
        report("192.0.2.7", addresses=("192.0.2.7",)),
        ("192.0.2.7",),
        ("192.0.2.7",),
    ),
    "what is no address is not allowed": (
        report("web-1.invalid", addresses=("none", "fe80::1%eth0", "*")),
        ("web-1.invalid",),
        ("web-1.invalid",),
    ),
}


@pytest.mark.parametrize(("given", "wanted", "allow"), HOSTS.values(), ids=HOSTS)
async def test_hosts_become_targets(
    given: Report, wanted: tuple[str, ...], allow: tuple[str, ...]
) -> None:
    plan = await targets.of_report(given)

    assert (plan.targets, plan.allow) == (wanted, allow)


async def test_a_name_that_resolves_may_be_scanned() -> None:
    plan = await targets.of_report(report("localhost"))

    rules = scope.rules(Scope(allow=plan.allow))
    assert plan.targets == ("localhost",)
    assert scope.judge(plan.targets, rules, {"localhost": ["127.0.0.1"]}) is None


async def test_many_scattered_addresses_are_widened_to_fit_a_scope() -> None:
    plan = await targets.of_report(report(*SCATTERED))

    rules = scope.rules(Scope(allow=plan.allow))
    assert len(plan.allow) <= targets.MOST_ENTRIES
    assert scope.judge(plan.targets, rules, {}) is None
    assert scope.outside(SCATTERED, rules) == []


TOO_MANY = {
    "names": report(*(f"web-{number}.invalid" for number in range(257))),
    "addresses far apart": report(*(f"10.{n % 250}.{n // 250}.1" for n in range(5000))),
}


@pytest.mark.parametrize("given", TOO_MANY.values(), ids=TOO_MANY)
async def test_too_many_hosts_are_refused(given: Report) -> None:
    with pytest.raises(WrongInput, match=r"names \d+ hosts, which are too many for one scan"):
        await targets.of_report(given)
