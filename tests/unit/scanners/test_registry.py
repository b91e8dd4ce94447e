import pytest
from tests.unit.scanners import wire

from nessus_operator.clients.errors import Rejected
from nessus_operator.clients.scanners import registry
from nessus_operator.clients.scanners.nessus.driver import Nessus
from nessus_operator.clients.scanners.protocol import Scanner


async def test_nessus_has_a_driver() -> None:
    scanner: Scanner = registry.connect("Nessus", wire.connection(), lambda *seen: None)
    assert isinstance(scanner, Nessus)
    await scanner.close()


def test_a_type_without_a_driver_is_told_with_those_that_have_one() -> None:
    with pytest.raises(Rejected, match="no driver for scanners of type 'OpenVAS'; there is: Ness"):
        registry.connect("OpenVAS", wire.connection(), lambda *seen: None)
