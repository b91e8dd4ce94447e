"""What all suites share: which folders take part, and what hypothesis may take for a fault."""

import os
import signal

from hypothesis import settings

# The corpus lies outside the repository; `hack/test corpus` says so when it is not named.
collect_ignore = [] if os.environ.get("NESSUS_CORPUS") else ["corpus"]

# A shell starts what runs in its background without Ctrl-C, and so would all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A slow example on a busy machine is no fault; pytest-timeout bounds each test as a whole.
settings.register_profile("busy machines", deadline=None)
settings.load_profile("busy machines")
