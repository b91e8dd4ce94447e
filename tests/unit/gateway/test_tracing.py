import pytest
import structlog

from nessus_gateway import tracing

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

TAKEN = {
    "our version is taken as it is": (f"00-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01"),
    "a later version is taken for what we know of it": (
        f"01-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE}-{SPAN}-01",
    ),
    "version ff is none": (f"ff-{TRACE}-{SPAN}-01", None),
    "a trace of zeros is none": (f"00-{'0' * 32}-{SPAN}-01", None),
    "a span of zeros is none": (f"00-{TRACE}-{'0' * 16}-01", None),
    "capitals are none": (f"00-{TRACE.upper()}-{SPAN}-01", None),
    "anything else is none": ("x\r\nx", None),
    "nothing is none": (None, None),
}


@pytest.mark.parametrize(("text", "accepted"), TAKEN.values(), ids=TAKEN)
def test_traceparent(text: str | None, accepted: str | None) -> None:
    assert tracing.accept(text) == accepted


BEGUN = {
    "a trace id is taken over": (TRACE, True),
    "no trace id": (None, False),
    "a trace id that is none": ("xyz", False),
    "zeros": ("0" * 32, False),
}


@pytest.mark.parametrize(("trace_id", "kept"), BEGUN.values(), ids=BEGUN)
def test_a_new_traceparent(trace_id: str | None, kept: bool) -> None:
    begun = tracing.begin(trace_id)
    assert tracing.accept(begun) == begun
    assert (begun.split("-")[1] == trace_id) is kept


def test_log_lines_carry_the_trace_while_it_is_followed() -> None:
    with tracing.follow(f"00-{TRACE}-{SPAN}-01"):
        assert tracing.current() == f"00-{TRACE}-{SPAN}-01"
        assert structlog.contextvars.get_contextvars() == {"trace_id": TRACE}
    assert structlog.contextvars.get_contextvars() == {}
    assert tracing.current() != tracing.current()
