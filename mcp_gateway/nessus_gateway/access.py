"""Who may do what. Deny by default: what a caller may not see does not exist for it.

Tools only ask about an `Action`. Static tokens are decided here; another source of rights, such as
the API server's own access reviews, answers the same question with the same three verdicts.
"""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """What a token may do in its namespaces."""

    READ = "scan:read"
    RUN = "scan:run"
    RUN_CREDENTIALED = "scan:run-credentialed"
    CONTROL = "scan:control"
    DELETE = "scan:delete"
    ADMIN = "admin"


MEANINGS: dict[Scope, str] = {
    Scope.READ: "see scans, findings, pools and scanners",
    Scope.RUN: "submit scans that do not log in to their targets",
    Scope.RUN_CREDENTIALED: "submit scans that do",
    Scope.CONTROL: "pause, resume, cancel and retry scans",
    Scope.DELETE: "delete scans with their results",
    Scope.ADMIN: "all of these",
}

EVERY_NAMESPACE = "*"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls: its name goes into audit lines and into the scans it asks for."""

    name: str
    namespaces: tuple[str, ...] = ()  # the first is where its scans are made unless it says so
    scopes: frozenset[Scope] = frozenset()

    def home(self, default: str | None) -> str | None:
        """Where its scans go; `default` for a caller whose namespaces are all of them."""
        named = (name for name in self.namespaces if name != EVERY_NAMESPACE)
        return next(named, default)


@dataclass(frozen=True, slots=True)
class Action:
    """What a tool is about to do: the scope it takes, where, and through which pool."""

    scope: Scope
    namespace: str
    pool: str | None = None


class Verdict(StrEnum):
    ALLOWED = "allowed"
    LACKS_SCOPE = "lacks_scope"  # sees the namespace, but may not do this there
    HIDDEN = "hidden"  # is to be told that there is no such thing


def decide(caller: Caller, action: Action) -> Verdict:
    """The rights of a static token: its namespaces times its scopes."""
    if not {action.namespace, EVERY_NAMESPACE} & set(caller.namespaces):
        return Verdict.HIDDEN
    if {action.scope, Scope.ADMIN} & caller.scopes:
        return Verdict.ALLOWED
    return Verdict.LACKS_SCOPE
