from nessus_gateway.lookups import Lookups


def test_twenty_at_once_then_two_a_second() -> None:
    lookups = Lookups()
    assert [lookups.wait("a", 0.0) for _ in range(20)] == [0.0] * 20
    assert lookups.wait("a", 0.0) == 0.5
    assert lookups.wait("a", 0.5) == 0.0
    assert lookups.wait("a", 0.5) == 0.5


def test_asking_in_vain_costs_nothing() -> None:
    lookups = Lookups()
    for _ in range(20):
        lookups.wait("a", 0.0)
    for _ in range(100):
        lookups.wait("a", 0.25)
    assert lookups.wait("a", 0.5) == 0.0


def test_callers_do_not_wait_for_each_other() -> None:
    lookups = Lookups()
    for _ in range(21):
        lookups.wait("a", 0.0)
    assert lookups.wait("b", 0.0) == 0.0


def test_a_long_silence_saves_no_more_than_twenty() -> None:
    lookups = Lookups()
    lookups.wait("a", 0.0)
    assert [lookups.wait("a", 1000.0) for _ in range(21)].count(0.0) == 20
