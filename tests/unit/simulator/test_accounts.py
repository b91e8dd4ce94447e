"""Who calls: API keys, sessions that expire when idle, accounts that lock."""

import pytest

from nessus_simulator.accounts import MAX_LOGIN_ATTEMPTS, Accounts, Caller
from nessus_simulator.refusals import Refusal

KEYS = {"X-ApiKeys": "accessKey=access; secretKey=secret"}


@pytest.fixture
def accounts() -> Accounts:
    return Accounts([("alice", "right")], [("access", "secret"), ("other", "one")], 1800.0)


def cookie(token: str) -> dict[str, str]:
    return {"X-Cookie": f"token={token}"}


def test_api_keys_belong_to_an_account_each(accounts: Accounts) -> None:
    assert accounts.identify(KEYS, 0.0) == Caller("api-1", by_session=False)
    other = {"X-ApiKeys": "accessKey=other; secretKey=one;"}
    assert accounts.identify(other, 0.0).account == "api-2"


def test_a_password_opens_a_session(accounts: Accounts) -> None:
    token = accounts.log_in("alice", "right", 0.0)
    assert accounts.identify(cookie(token), 1.0) == Caller("alice", by_session=True)


REFUSED = {
    "nothing": {},
    "a wrong secret key": {"X-ApiKeys": "accessKey=access; secretKey=other"},
    "an unknown access key": {"X-ApiKeys": "accessKey=nobody; secretKey=secret"},
    "half a pair of keys": {"X-ApiKeys": "accessKey=access"},
    "an empty secret key": {"X-ApiKeys": "accessKey=nobody; secretKey="},
    "an unknown session": {"X-Cookie": "token=0123"},
    "a session under another name": {"Cookie": "token=0123"},
}


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED)
def test_others_are_refused(accounts: Accounts, headers: dict[str, str]) -> None:
    with pytest.raises(Refusal) as refused:
        accounts.identify(headers, 0.0)
    assert refused.value.status == 401


def test_an_idle_session_expires(accounts: Accounts) -> None:
    token = accounts.log_in("alice", "right", 0.0)
    with pytest.raises(Refusal):
        accounts.identify(cookie(token), 1801.0)
    assert accounts.session_count() == 0


def test_a_session_that_is_used_lives_on(accounts: Accounts) -> None:
    token = accounts.log_in("alice", "right", 0.0)
    for now in range(0, 18_000, 1700):
        accounts.identify(cookie(token), float(now))


def test_a_session_ends_at_the_logout(accounts: Accounts) -> None:
    token = accounts.log_in("alice", "right", 0.0)
    accounts.log_out(cookie(token))
    with pytest.raises(Refusal):
        accounts.identify(cookie(token), 1.0)


def wrong_logins(accounts: Accounts, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Refusal):
            accounts.log_in("alice", "wrong", 0.0)


def test_an_account_locks_after_too_many_wrong_passwords(accounts: Accounts) -> None:
    wrong_logins(accounts, MAX_LOGIN_ATTEMPTS)
    assert accounts.locked() == ["alice"]
    with pytest.raises(Refusal):
        accounts.log_in("alice", "right", 0.0)


def test_a_right_password_in_time_starts_the_count_anew(accounts: Accounts) -> None:
    wrong_logins(accounts, MAX_LOGIN_ATTEMPTS - 1)
    accounts.log_in("alice", "right", 0.0)
    wrong_logins(accounts, MAX_LOGIN_ATTEMPTS - 1)
    accounts.log_in("alice", "right", 0.0)


def test_new_keys_replace_the_old_ones_of_the_account(accounts: Accounts) -> None:
    access, secret = accounts.new_keys("api-1")
    assert accounts.identify(
        {"X-ApiKeys": f"accessKey={access}; secretKey={secret}"}, 0.0
    ) == Caller("api-1", by_session=False)
    with pytest.raises(Refusal):
        accounts.identify(KEYS, 0.0)
