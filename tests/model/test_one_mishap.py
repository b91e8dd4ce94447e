"""One mishap at every call of a scan's life, and then something else happens as well."""

from itertools import product

import pytest
from tests.model.carrier import REQUEST_SECONDS, Fate
from tests.model.trial import EVENTS, Trial

LATE = {
    Fate.LATE: (1, REQUEST_SECONDS - 1),
    Fate.DIES_LATE: (1, REQUEST_SECONDS - 1),
}


def live(trial: Trial) -> None:
    """One step of a life without hindrance."""
    trial.work()
    trial.world.clock.pass_(1)
    trial.happens("it completes")


def calls_of_a_life() -> int:
    """All calls from the first visit to the end of the clean-up."""
    trial = Trial()
    while not trial.over:
        live(trial)
    return trial.carrier.calls


@pytest.mark.parametrize("fate", [fate for fate in Fate if fate is not Fate.OK])
def test_one_mishap(fate: Fate) -> None:
    for call, late, after in product(range(calls_of_a_life()), LATE.get(fate, (1,)), EVENTS):
        trial = Trial()
        trial.carrier.fates = fates = [Fate.OK] * call + [fate]
        trial.carrier.late_seconds = late
        while trial.carrier.fates is fates and fates:
            live(trial)
        trial.happens(after)
        trial.work(3)
        trial.end()
