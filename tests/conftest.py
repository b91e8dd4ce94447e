"""What all suites share: which folders take part."""

import os

# The corpus lies outside the repository; `hack/test corpus` says so when it is not named.
collect_ignore = [] if os.environ.get("NESSUS_CORPUS") else ["corpus"]
