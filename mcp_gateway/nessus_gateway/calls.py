"""One tool call: who makes it, and what of the gateway that one may see."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from fastmcp.dependencies import Depends
from fastmcp.server.dependencies import get_context

from nessus_gateway.access import Action, Caller, Scope, Verdict
from nessus_gateway.errors import lacks, unknown_task
from nessus_gateway.gateway import Gateway
from nessus_gateway.views import pool_label
from nessus_operator.api.pool import ScannerPool
from nessus_operator.api.scan import NessusScan

_TASK_ID = re.compile("([a-z0-9][-a-z0-9]{0,62})/([a-z0-9][-.a-z0-9]{0,62})")


@dataclass(frozen=True, slots=True)
class Call:
    gateway: Gateway
    caller: Caller

    @property
    def home(self) -> str | None:
        """The namespace that the caller's scans go to unless it says otherwise."""
        return self.caller.home(self.gateway.settings.default_namespace)

    async def verdict(self, scope: Scope, namespace: str, pool: str | None = None) -> Verdict:
        if not self.gateway.cluster.serves(namespace):
            return Verdict.HIDDEN
        return await self.gateway.decide(self.caller, Action(scope, namespace, pool))

    async def task(self, task_id: str, scope: Scope) -> NessusScan:
        """The scan, if the caller may do this to it; a foreign one is as unknown as none."""
        match = _TASK_ID.fullmatch(task_id)
        if match is None:
            raise unknown_task(task_id)
        namespace, name = match.groups()
        verdict = await self.verdict(scope, namespace)
        if verdict is Verdict.HIDDEN:
            raise unknown_task(task_id)
        if verdict is Verdict.LACKS_SCOPE:
            raise lacks(scope, namespace)
        scan = await self.gateway.cluster.find_scan(namespace, name, self.caller.name)
        if scan is None:
            raise unknown_task(task_id)
        return scan

    async def readable(self, namespaces: Iterable[str]) -> frozenset[str]:
        """Those whose scans and pools the caller may see.

        Raises Forbidden for one who sees namespaces but may read in none of them.
        """
        verdicts = {name: await self.verdict(Scope.READ, name) for name in set(namespaces)}
        allowed = frozenset(n for n, verdict in verdicts.items() if verdict is Verdict.ALLOWED)
        seen = [n for n, verdict in verdicts.items() if verdict is Verdict.LACKS_SCOPE]
        if seen and not allowed:
            raise lacks(Scope.READ, min(seen))
        return allowed

    async def pools(self) -> list[ScannerPool]:
        """The pools that the caller may see, by namespace and name."""
        found = list(self.gateway.cluster.all_pools())
        readable = await self.readable(pool.metadata.namespace for pool in found)
        return sorted(
            (pool for pool in found if pool.metadata.namespace in readable), key=lambda p: p.key
        )

    def label(self, pool: ScannerPool) -> str:
        """What the caller may write in scanner_pool to name this pool."""
        return pool_label(*pool.key, self.home)


def _current() -> Call:
    gateway: Gateway = get_context().lifespan_context["gateway"]
    return Call(gateway, gateway.identify())


CurrentCall = Annotated[Call, Depends(_current)]
