"""What all suites share: which folders take part, and how examples are tried."""

import os

from hypothesis import settings

# The corpus lies outside the repository; `hack/test corpus` says so when it is not named.
collect_ignore = [] if os.environ.get("NESSUS_CORPUS") else ["corpus"]

# On a busy machine a slow example is not a wrong one; pytest's timeout bounds them all.
settings.register_profile("nessus", deadline=None, print_blob=True)
settings.load_profile("nessus")
