"""Terms of a Lease that make a test wait for seconds, not for a quarter of a minute."""

from nessus_operator.clients.kube.lease import LeaseTerms

TERMS = LeaseTerms(duration=4.0, renew_deadline=3.0, retry_period=0.5)
