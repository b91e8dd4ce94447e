"""A catalogue of made-up plugins: how often each reports, how severe it is, what it always says."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from tests.generator.text import Prose, Quantiles, attribute, escape, quantile
from tests.generator.text import source as chance

# Characters of all constant children together, weighted by how often a plugin reports.
_CONSTANT: Quantiles = (
    (0.0, 320), (0.1, 410), (0.25, 480), (0.5, 620), (0.75, 1_290), (0.9, 2_350), (0.95, 2_950),
    (0.99, 5_600), (1.0, 16_000),
)  # fmt: skip
# Of items, by severity; with the status items of each host that is 76, 4.5, 9.7, 9.3, 0.5 %.
_SHARES = (0.7466, 0.048, 0.1022, 0.0979, 0.0053)
_FAMILIES = (
    "General", "Service detection", "Web Servers", "Windows", "Misc.", "Databases", "DNS", "SNMP",
    "Firewalls", "CGI abuses", "Ubuntu Local Security Checks", "Red Hat Local Security Checks",
)  # fmt: skip
_RISKS = ("None", "Low", "Medium", "High", "Critical")
_SCORES = (0.0, 2.6, 5.3, 7.8, 9.8)
_TALKING = 0.71  # of items that are not about logins

SERVICES = (
    (0, "tcp", "general"), (22, "tcp", "ssh"), (25, "tcp", "smtp"), (53, "udp", "dns"),
    (80, "tcp", "www"), (135, "tcp", "epmap"), (161, "udp", "snmp"), (443, "tcp", "www"),
    (445, "tcp", "cifs"), (1433, "tcp", "mssql"), (3306, "tcp", "mysql"), (3389, "tcp", "msrdp"),
    (5432, "tcp", "postgresql"), (8080, "tcp", "www"), (8443, "tcp", "www"), (0, "udp", "general"),
)  # fmt: skip

Child = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Plugin:
    """`after`: the start tag behind port, service and protocol, and all constant children."""

    id: int
    severity: int
    cves: int
    after: str
    talks: bool  # has an output
    service: tuple[int, str, str]


def catalogue(seed: int, count: int) -> tuple[list[Plugin], list[float]]:
    """Plugins, the most frequent first, and their cumulative weights."""
    source = chance(f"catalogue {seed}")
    weights = [1 / (rank + 4) ** 0.8 for rank in range(count)]
    severities = _shared_out(weights, _SHARES)
    talking = _shared_out(weights, (_TALKING, 1 - _TALKING))
    lengths = _lengths(source, weights)
    plugins = [
        _plugin(
            source,
            200_000 + 9 * rank + source.randrange(9),
            severities[rank],
            lengths[rank],
            not talking[rank],
        )
        for rank in range(count)
    ]
    return plugins, list(accumulate(weights))


def _shared_out(weights: Sequence[float], shares: Sequence[float]) -> list[int]:
    """For each weight the class that is furthest behind its share."""
    given = [0.0] * len(shares)
    found = []
    for weight in weights:
        total = sum(given) + weight
        missing = [share * total - had for share, had in zip(shares, given, strict=True)]
        chosen = missing.index(max(missing))
        given[chosen] += weight
        found.append(chosen)
    return found


def _lengths(source: random.Random, weights: list[float]) -> list[int]:
    """Lengths whose weighted distribution is that of the table, in no order."""
    order = list(range(len(weights)))
    source.shuffle(order)
    total = sum(weights)
    found = [0] * len(weights)
    passed = 0.0
    for rank in order:
        found[rank] = quantile(_CONSTANT, (passed + weights[rank] / 2) / total)
        passed += weights[rank]
    return found


def _plugin(source: random.Random, number: int, severity: int, length: int, talks: bool) -> Plugin:
    prose = Prose(source)
    name = f"{prose.words(2).title()} < {source.randint(1, 9)}.{source.randint(0, 30)}"
    family = source.choice(_FAMILIES)
    children = _children(source, prose, severity, name)
    cves = sum(tag == "cve" for tag, _ in children)
    used = sum(len(text) + 2 * len(tag) + 6 for tag, text in children)
    left = max(length - used - 30, 60)
    children.append(("description", prose.text(left * 11 // 20)))
    children.append(("see_also", "\n".join(_links(source, max(1, left * 9 // 20 // 42)))))
    body = "\n".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in sorted(children))
    head = (
        f' severity="{severity}" pluginID="{number}" pluginName="{attribute(name)}"'
        f' pluginFamily="{family}">'
    )
    return Plugin(number, severity, cves, f"{head}\n{body}\n", talks, source.choice(SERVICES))


def _children(source: random.Random, prose: Prose, severity: int, name: str) -> list[Child]:
    date = f"{source.randint(2008, 2025)}/{source.randint(1, 12):02}/{source.randint(1, 28):02}"
    children = [
        ("fname", f"{name.split()[0].lower()}.nasl"),
        ("plugin_modification_date", date),
        ("plugin_name", name),
        ("plugin_publication_date", date),
        ("plugin_type", source.choice(("remote", "local", "combined"))),
        ("risk_factor", _RISKS[severity]),
        ("script_version", f"1.{source.randint(1, 300)}"),
        ("solution", prose.words(6).capitalize() if severity else "n/a"),
        ("synopsis", prose.words(7).capitalize()),
    ]
    if severity:
        children += _vulnerability(source, severity, date)
    return children


def _vulnerability(source: random.Random, severity: int, date: str) -> list[Child]:
    year = date[:4]
    score = f"{_SCORES[severity]}"
    exploitable = source.random() < 0.3
    found = [
        ("cvss3_base_score", score),
        ("cvss3_vector", "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:N"),
        ("cvss_base_score", f"{max(severity * 2.4, 1.2):.1f}"),
        ("exploit_available", "true" if exploitable else "false"),
        ("vuln_publication_date", date),
    ]
    found += [("cve", f"CVE-{year}-{source.randint(1000, 49999)}") for _ in _times(source)]
    found += [("xref", f"CWE:{source.randint(20, 900)}") for _ in _times(source)]
    if exploitable and source.random() < 0.3:
        found.append(("cisa-known-exploited", date))
    return found


def _times(source: random.Random) -> range:
    return range(min(1 + int(source.expovariate(0.6)), 60))


def _links(source: random.Random, count: int) -> list[str]:
    return [f"https://advisories.example.org/{source.randrange(1 << 20):x}" for _ in range(count)]
