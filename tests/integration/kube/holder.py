"""A process that leads by a Lease and tells, for each line of its input, whether it still may.

python -m tests.integration.kube.holder NAMESPACE NAME IDENTITY
"""

import asyncio
import sys

from tests.integration.kube.terms import TERMS

from nessus_operator.clients.kube.lease import LeadershipLost, Lease
from nessus_operator.clients.kube.login import load_configuration, open_session
from nessus_operator.clients.kube.requests import Kube


async def lead(namespace: str, name: str, identity: str) -> None:
    async with open_session(await load_configuration()) as session:
        lease = Lease(Kube(session, writer="tests"), namespace, name, identity, TERMS)
        await lease.acquire()
        tell("leads")
        asyncio.get_running_loop().add_reader(sys.stdin, answer, lease)
        try:
            await lease.keep()
        except LeadershipLost:
            tell("lost")


def answer(lease: Lease) -> None:
    sys.stdin.readline()
    tell(f"valid: {lease.valid()}")


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(lead(*sys.argv[1:]))
