"""What generates which block, and which files are looked at.

To add a block: register a function here (it gets the repository's root and returns text), put its
two markers into a Markdown or YAML file, and run `hack/generate`.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from generator import documents, gateway, operator, rules

Block = Callable[[Path], str]

BLOCKS: Mapping[str, Block] = {
    "scan transitions": rules.transition_rules,
    "scan immutability": rules.immutability_rules,
    "transition diagram": documents.transition_diagram,
    "transition table": documents.transition_table,
    "scan fields": documents.scan_fields,
    "pool fields": documents.pool_fields,
    "scan conditions": documents.scan_conditions,
    "pool conditions": documents.pool_conditions,
    "reasons": documents.reasons,
    "operator settings": operator.settings,
    "gateway settings": gateway.settings,
    "gateway scopes": gateway.scopes,
    "gateway parameters": gateway.parameters,
}


def files(root: Path) -> Iterator[Path]:
    """Every YAML, then every Markdown file below the root, but not in hidden folders.

    In this order, since documents tell of what stands in the YAML files.
    """
    found: list[Path] = []
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        found += [Path(folder, name) for name in names]
    for suffix in (".yaml", ".md"):
        yield from sorted(path for path in found if path.suffix == suffix)
