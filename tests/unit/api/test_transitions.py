"""The guard without a server; tests/integration/crds tries it against one, rule by rule."""

from nessus_operator.api.transitions import (
    ACTIVE,
    MOVES,
    RETRYABLE,
    TERMINAL,
    Phase,
    at,
    is_new_attempt,
    may_move,
    refusal,
)


def test_a_phase_is_active_or_terminal() -> None:
    assert {*ACTIVE, *TERMINAL} == set(Phase)
    assert not set(ACTIVE) & set(TERMINAL)
    assert set(RETRYABLE) == set(TERMINAL) - {Phase.COMPLETED}


def test_every_phase_has_its_moves_and_can_be_reached() -> None:
    assert MOVES.keys() == {None, *Phase}
    assert {phase for phases in MOVES.values() for phase in phases} == set(Phase)


def test_staying_is_always_allowed() -> None:
    assert all(may_move(phase, phase) for phase in Phase)


def test_only_a_return_to_the_queue_is_a_new_attempt() -> None:
    assert not is_new_attempt(None, Phase.QUEUED)
    assert not is_new_attempt(Phase.QUEUED, Phase.QUEUED)
    assert all(is_new_attempt(phase, Phase.QUEUED) for phase in (Phase.RUNNING, *RETRYABLE))


def test_a_path_leads_to_a_value_or_to_nothing() -> None:
    status = {"remote": {"scanID": 12}, "results": None}

    assert at(status, "remote.scanID") == 12
    assert at(status, "remote.token") is None
    assert at(status, "results.hosts") is None
    assert at({}, "remote.token") is None


def test_a_refusal_names_both_phases() -> None:
    assert refusal({}, {"phase": "Completed", "attempt": 1}) == (
        "phase may not go from nothing to Completed"
    )
    assert refusal({"phase": "Queued", "attempt": 1}, {}) == (
        "phase may not go from Queued to nothing"
    )
    assert refusal({}, {}) is None
