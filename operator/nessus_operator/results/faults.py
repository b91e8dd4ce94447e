"""What can go wrong when results are read, named by what the caller should do next.

    ReadFault
    ├── InvalidQuery      ask differently: a field, profile, operator, page or cursor is wrong
    ├── QueryTooSlow      ask for less: the time allowed for one answer is over
    ├── ResultsRemoved    nothing to read any more: deleted or expired
    ├── ResultsDamaged    not what was written: read the native report, or scan again
    └── ResultsOutdated   written by another version: ingest the native report again

Messages are single sentences for people and models; none holds a path of the volume.
"""


class ReadFault(Exception):
    pass


class InvalidQuery(ReadFault):
    pass


class QueryTooSlow(ReadFault):
    pass


class ResultsRemoved(ReadFault):
    pass


class ResultsDamaged(ReadFault):
    pass


class ResultsOutdated(ReadFault):
    pass
