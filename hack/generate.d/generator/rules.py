"""Writes the CEL rules of crds/nessusscans.yaml from the transition table.

Each root rule holds when nothing changes: the API server judges it on every write, on a label or
a finalizer too, and a rule that does not hold then makes an object that nobody can delete.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

from generator.schema import load_crd, object_schema
from nessus_operator.api import names, scan, transitions
from nessus_operator.api.transitions import MOVES, RETRYABLE, TERMINAL, Phase

_WIDTH = 84
_IMMUTABLE = "is immutable: create another scan instead"
_OLD = "oldSelf.?status.?phase.orValue('')"
_NEW = "self.?status.?phase.orValue('')"
_FIRST = f"({_OLD} == '' && {_NEW} != '')"
_AGAIN = f"({_NEW} == '{Phase.QUEUED}' && !({_OLD} in ['', '{Phase.QUEUED}']))"
_RETRYABLE = [str(phase) for phase in RETRYABLE]
_TERMINAL = [str(phase) for phase in TERMINAL]
_MANUAL = f"({_NEW} == '{Phase.QUEUED}' && {_OLD} in {_RETRYABLE})"


@dataclass(frozen=True, slots=True)
class Rule:
    rule: str
    message: str
    field_path: str
    message_expression: str | None = None

    def to_yaml(self) -> str:
        texts = {
            "rule": self.rule,
            "message": self.message,
            "messageExpression": self.message_expression,
            "fieldPath": self.field_path,
        }
        lines = [_entry(name, text) for name, text in texts.items() if text]
        return "- " + "\n  ".join(lines)


def transition_rules(_root: Path) -> str:
    """The root rules of NessusScan."""
    rules = (
        _phase_moves(),
        _attempt_steps(),
        _manual_retries_observed(),
        _gone_with_a_new_attempt(),
        *(_once_per_attempt(path) for path in transitions.ONCE_PER_ATTEMPT),
        _needed_to_run(),
        *(_frozen_when_terminal(path) for path in transitions.FROZEN_WHEN_TERMINAL),
        _manual_retries_rise(),
    )
    return "\n".join(rule.to_yaml() for rule in rules)


def immutability_rules(root: Path) -> str:
    """One rule for each field of NessusScan's spec that may not change."""
    spec = object_schema(load_crd(root, names.SCANS))["properties"]["spec"]
    rules = []
    for name, schema in spec["properties"].items():
        if name in scan.MUTABLE:
            continue
        same = f"self.{name} == oldSelf.{name}"
        if name not in spec["required"] and "default" not in schema:
            same = f"has(self.{name}) == has(oldSelf.{name}) && (!has(self.{name}) || {same})"
        rules.append(Rule(same, _IMMUTABLE, f".{name}"))
    return "\n".join(rule.to_yaml() for rule in rules)


def _phase_moves() -> Rule:
    # A lookup, since comparing two phases that may be absent exceeds the server's cost budget.
    table = ", ".join(
        f"'{old or ''}': {['' if old is None else str(old), *map(str, phases)]}"
        for old, phases in MOVES.items()
    )
    return Rule(
        f"{_NEW} in {{{table}}}[{_OLD}]",
        "this change of phase is not allowed",
        ".status.phase",
        "'phase may not go from '"
        " + (has(oldSelf.status) && has(oldSelf.status.phase) ? oldSelf.status.phase : 'nothing')"
        " + ' to '"
        " + (has(self.status) && has(self.status.phase) ? self.status.phase : 'nothing')",
    )


def _attempt_steps() -> Rule:
    return Rule(
        "self.?status.?attempt.orValue(0) == oldSelf.?status.?attempt.orValue(0)"
        f" + ({_FIRST} || {_AGAIN} ? 1 : 0)",
        transitions.ATTEMPT_STEPS,
        ".status.attempt",
    )


def _manual_retries_observed() -> Rule:
    new = "self.?status.?observedManualRetries.orValue(-1)"
    old = "oldSelf.?status.?observedManualRetries.orValue(-1)"
    return Rule(
        f"{_FIRST} || {_MANUAL} ? {new} == self.spec.manualRetries && {new} > {old}"
        f" : {new} == {old}",
        transitions.MANUAL_RETRY,
        ".status.observedManualRetries",
    )


def _gone_with_a_new_attempt() -> Rule:
    gone = " && ".join(f"!has(self.status.{path})" for path in transitions.GONE_WITH_A_NEW_ATTEMPT)
    return Rule(f"!{_AGAIN} || ({gone})", transitions.GONE, ".status")


def _once_per_attempt(path: str) -> Rule:
    same = f"{_present('self', path)} && self.status.{path} == oldSelf.status.{path}"
    return Rule(
        f"!({_present('oldSelf', path)}) || {_AGAIN} || ({same})",
        f"{path} {transitions.ONCE}",
        f".status.{path}",
    )


def _needed_to_run() -> Rule:
    tests = (test for path in transitions.NEEDED_TO_RUN for test in _tests("self", path))
    needed = " && ".join(dict.fromkeys(tests))
    return Rule(
        f"{_NEW} != '{Phase.RUNNING}' || {_OLD} == '{Phase.RUNNING}' || ({needed})",
        transitions.NEEDED,
        ".status.phase",
    )


def _frozen_when_terminal(path: str) -> Rule:
    was, is_ = f"has(oldSelf.status.{path})", f"has(self.status.{path})"
    return Rule(
        f"!({_OLD} in {_TERMINAL} && {_NEW} in {_TERMINAL})"
        f" || ({is_} == {was} && (!{is_} || self.status.{path} == oldSelf.status.{path}))",
        f"{path} {transitions.FROZEN}",
        f".status.{path}",
    )


def _manual_retries_rise() -> Rule:
    return Rule(
        "self.spec.manualRetries == oldSelf.spec.manualRetries"
        " || (self.spec.manualRetries == oldSelf.spec.manualRetries + 1"
        f" && {_NEW} in {_RETRYABLE})",
        "manualRetries may rise by 1, and only while the scan is Failed, Timeout or Cancelled",
        ".spec.manualRetries",
    )


def _present(object_: str, path: str) -> str:
    return " && ".join(_tests(object_, path))


def _tests(object_: str, path: str) -> list[str]:
    """CEL that asks for each part of a dotted path below status, from the outside in."""
    parts = ["status", *path.split(".")]
    return [f"has({object_}.{'.'.join(parts[: depth + 1])})" for depth in range(len(parts))]


def _entry(name: str, text: str) -> str:
    """One line where it fits, else a folded text."""
    line = f"{name}: {_scalar(text)}"
    if len(line) <= _WIDTH:
        return line
    folded = wrap(text, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n    ".join([f"{name}: >-", *folded])


def _scalar(text: str) -> str:
    return (
        text
        if (text[0].isalpha() or text[0] == ".") and not {":", "#", '"', "'"} & set(text)
        else json.dumps(text)
    )
