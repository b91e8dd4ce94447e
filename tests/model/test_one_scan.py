"""One scan through any mishaps in any order."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from tests.model.carrier import REQUEST_SECONDS, Fate
from tests.model.trial import EVENTS, GOES_ON, Trial

from nessus_operator.core.lifecycle import RemoteScanPolicy

policies = st.sampled_from(["DeleteAfterExport", "DeleteWithScan", "Keep"])
fates = st.lists(st.sampled_from([Fate.OK, Fate.OK, *Fate]), min_size=1, max_size=4)
delays = st.sampled_from([1, REQUEST_SECONDS - 1, REQUEST_SECONDS, 300, 1000])
# What stands more often happens more often: most scans shall come far.
events = st.sampled_from([*EVENTS, *GOES_ON, *GOES_ON, *["again", "up", "known"] * 3])


class OneScan(RuleBasedStateMachine):
    @initialize(policy=policies, steps=st.integers(0, 7))
    def begin(self, policy: RemoteScanPolicy, steps: int) -> None:
        self.trial = Trial(policy)
        self.trial.work(steps)

    @rule(steps=st.integers(1, 4))
    def the_process_works(self, steps: int) -> None:
        self.trial.work(steps)

    @rule(end=st.sampled_from([*GOES_ON]), then=events)
    def an_attempt_comes_to_an_end(self, end: str, then: str) -> None:
        self.trial.world.clock.pass_(1000)  # longer than any backoff
        self.trial.work(8)
        self.trial.happens(end)
        self.trial.work(2)
        self.trial.happens(then)
        self.trial.work(2)

    @rule()
    def the_process_works_with_an_old_list(self) -> None:
        self.trial.work(look=False)

    @rule(fates=fates, late=st.integers(1, REQUEST_SECONDS - 1))
    def the_process_suffers(self, fates: list[Fate], late: int) -> None:
        self.trial.suffer(fates, late)

    @rule()
    def the_process_dies(self) -> None:
        self.trial.start_process()

    @rule(seconds=delays)
    def time_passes(self, seconds: int) -> None:
        self.trial.world.clock.pass_(seconds)

    @rule(what=events)
    def something_happens(self, what: str) -> None:
        self.trial.happens(what)

    def teardown(self) -> None:
        self.trial.end()


OneScan.TestCase.settings = settings(max_examples=200, stateful_step_count=60)
test_one_scan = OneScan.TestCase
