"""How long a scan rests that an error of ours struck."""

import pytest

from nessus_operator.handlers.setbacks import Rest, next_rest

RESTS: dict[str, tuple[Rest | None, float]] = {
    "the first": (None, 1.0),
    "the second": (Rest(1.0, 99.0), 2.0),
    "one of many": (Rest(16.0, 60.0), 32.0),
    "never longer than a minute": (Rest(60.0, 99.0), 60.0),
    "soon after a long one": (Rest(32.0, 40.5), 60.0),
    "long after the last": (Rest(32.0, 40.0), 1.0),
}


@pytest.mark.parametrize(("last", "seconds"), RESTS.values(), ids=RESTS)
def test_each_rest_is_longer(last: Rest | None, seconds: float) -> None:
    assert next_rest(last, now=100.0) == Rest(seconds, 100.0 + seconds)
