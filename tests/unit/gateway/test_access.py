import pytest

from nessus_gateway.access import Action, Caller, Scope, Verdict, decide


def caller(*scopes: Scope, namespaces: tuple[str, ...] = ("security", "dmz")) -> Caller:
    return Caller("agent-7", namespaces, frozenset(scopes))


CASES = {
    "a scope holds in each namespace of the token": (
        caller(Scope.READ),
        Action(Scope.READ, "dmz"),
        Verdict.ALLOWED,
    ),
    "a foreign namespace does not exist, whatever the scope": (
        caller(Scope.ADMIN),
        Action(Scope.READ, "other"),
        Verdict.HIDDEN,
    ),
    "a scope that is missing is told where the namespace is known": (
        caller(Scope.READ),
        Action(Scope.RUN, "dmz"),
        Verdict.LACKS_SCOPE,
    ),
    "admin is every scope": (
        caller(Scope.ADMIN),
        Action(Scope.DELETE, "dmz"),
        Verdict.ALLOWED,
    ),
    "to run is not to read": (
        caller(Scope.RUN),
        Action(Scope.READ, "dmz"),
        Verdict.LACKS_SCOPE,
    ),
    "to run is not to run with credentials": (
        caller(Scope.RUN),
        Action(Scope.RUN_CREDENTIALED, "dmz"),
        Verdict.LACKS_SCOPE,
    ),
    "a star is every namespace": (
        caller(Scope.READ, namespaces=("*",)),
        Action(Scope.READ, "anything"),
        Verdict.ALLOWED,
    ),
    "a star gives no scope": (
        caller(namespaces=("*",)),
        Action(Scope.READ, "anything"),
        Verdict.LACKS_SCOPE,
    ),
    "who has nothing sees nothing": (
        Caller("nobody"),
        Action(Scope.READ, "security"),
        Verdict.HIDDEN,
    ),
}


@pytest.mark.parametrize(("who", "action", "verdict"), CASES.values(), ids=CASES)
def test_access(who: Caller, action: Action, verdict: Verdict) -> None:
    assert decide(who, action) is verdict


HOMES = {
    "the first namespace of the token is home": (("security", "dmz"), None, "security"),
    "a star is no home": (("*", "dmz"), "elsewhere", "dmz"),
    "the default is the home of who reaches all": (("*",), "elsewhere", "elsewhere"),
    "without a default nobody is at home": (("*",), None, None),
}


@pytest.mark.parametrize(("namespaces", "default", "home"), HOMES.values(), ids=HOMES)
def test_home(namespaces: tuple[str, ...], default: str | None, home: str | None) -> None:
    assert Caller("agent-7", namespaces).home(default) == home
