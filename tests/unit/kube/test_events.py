"""One name for one thing that is told, and what an Event says of it."""

from nessus_operator.clients.kube.events import event_name


def test_the_same_thing_has_the_same_name() -> None:
    assert event_name("uid", "Failed", "why") == event_name("uid", "Failed", "why")


def test_other_things_have_other_names() -> None:
    things = [
        ("uid", "Failed", "why"),
        ("other", "Failed", "why"),
        ("uid", "Running", "why"),
        ("uid", "Failed", "why not"),
    ]
    assert len({event_name(*thing) for thing in things}) == len(things)


def test_the_name_is_one_that_kubernetes_takes() -> None:
    name = event_name("uid", "Failed", "<b>\u2620 any text \x00</b>" * 100)
    assert name.removeprefix("nessus-").isalnum()
    assert len(name) <= 63
