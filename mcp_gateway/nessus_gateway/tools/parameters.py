"""Parameters that several tools share, with the bounds and texts of their schema."""

from typing import Annotated

from pydantic import Field

TaskID = Annotated[
    str,
    Field(
        min_length=1,
        max_length=127,
        description="The task_id that a submission or list_tasks answered: namespace/name.",
    ),
]

ScannerPoolName = Annotated[
    str | None,
    Field(
        max_length=127,
        description="A pool as list_pools names it: its name, or namespace/name.",
    ),
]
