"""The generated parts of crds/README.md: moves, fields, conditions and reasons."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generator import shapes
from generator.markdown import code, table
from generator.schema import Field, fields, load_crd, object_schema
from nessus_operator.api import names, transitions
from nessus_operator.api.conditions import POOL_CONDITIONS, SCAN_CONDITIONS
from nessus_operator.api.reasons import MEANINGS
from nessus_operator.api.transitions import MOVES, RETRYABLE, TERMINAL, Phase

_TOP = ("apiVersion", "kind", "metadata", "metadata.name", "spec", "status")


def transition_diagram(_root: Path) -> str:
    """The moves as a Mermaid state diagram."""
    lines = ["```mermaid", "stateDiagram-v2"]
    for old, phases in MOVES.items():
        lines += [f"    {old or '[*]'} --> {phase}{_label(old, phase)}" for phase in phases]
    ends = [phase for phase in TERMINAL if not MOVES[phase]]
    return "\n".join([*lines, *(f"    {phase} --> [*]" for phase in ends), "```"])


def transition_table(_root: Path) -> str:
    """Every pair of phases, and the rules that a status write keeps besides."""
    phases = list(Phase)
    rows = [
        [
            code(old or "(none)"),
            *("yes" if transitions.may_move(old, new) else "" for new in phases),
        ]
        for old in (None, *phases)
    ]
    moves = table(["from \\ to", *(code(phase) for phase in phases)], rows)
    rules = [
        transitions.ATTEMPT_STEPS,
        transitions.MANUAL_RETRY,
        transitions.NEEDED,
        *(f"{path} {transitions.ONCE}" for path in transitions.ONCE_PER_ATTEMPT),
        transitions.GONE,
        *(f"{path} {transitions.FROZEN}" for path in transitions.FROZEN_WHEN_TERMINAL),
    ]
    return "\n".join([moves, "", *(f"* {rule}" for rule in rules)])


def scan_fields(root: Path) -> str:
    return _field_tables(root, names.SCANS)


def pool_fields(root: Path) -> str:
    return _field_tables(root, names.POOLS)


def scan_conditions(_root: Path) -> str:
    return _conditions(SCAN_CONDITIONS)


def pool_conditions(_root: Path) -> str:
    return _conditions(POOL_CONDITIONS)


def reasons(_root: Path) -> str:
    """Every reason with its meaning, whose fault it is, the metric's value and the way out."""
    return table(
        ["Reason", "Meaning", "Fault", "Metric", "What to do"],
        [
            [code(reason), row.sentence, row.fault or "", code(row.metric or ""), row.advice]
            for reason, row in MEANINGS.items()
        ],
    )


def _label(old: Phase | None, new: Phase) -> str:
    if new is not Phase.QUEUED or old is None:
        return ""
    return ": manual retry" if old in RETRYABLE else ": automatic retry"


def _conditions(meanings: Mapping[Any, str]) -> str:
    return table(["Type", "True says"], [[code(type_), text] for type_, text in meanings.items()])


def _field_tables(root: Path, plural: str) -> str:
    found = [f for f in fields(object_schema(load_crd(root, plural))) if f.path not in _TOP]
    spec = [_spec_row(f) for f in found if f.path.startswith("spec.")]
    status = [_status_row(f) for f in found if f.path.startswith("status.")]
    return "\n".join(
        [
            table(["Field of spec", "Type and bounds", "Default", "Mutable", "Meaning"], spec),
            "",
            table(["Field of status", "Type and bounds", "Meaning"], status),
        ]
    )


def _spec_row(field: Field) -> list[str]:
    name = code(field.path.removeprefix("spec."))
    return [
        f"{name} (required)" if field.required else name,
        shapes.shape(field.schema),
        shapes.default(field.schema),
        "" if field.immutable else "yes",
        field.description,
    ]


def _status_row(field: Field) -> list[str]:
    return [
        code(field.path.removeprefix("status.")),
        shapes.shape(field.schema),
        field.description,
    ]
