"""A whole report of any size with its truth, written as it is made: memory does not grow."""

import hashlib
import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.generator import logins
from tests.generator.plugins import SERVICES, Plugin, catalogue
from tests.generator.text import Pool, Prose, Quantiles, escape, quantile
from tests.generator.text import source as chance

# Characters of an output, where there is one.
_OUTPUT: Quantiles = (
    (0.0, 14), (0.1, 34), (0.25, 40), (0.5, 106), (0.75, 303), (0.9, 877), (0.95, 2_533),
    (0.99, 11_838), (0.999, 40_000), (0.99998, 110_000), (1.0, 587_000),
)  # fmt: skip
# Steps that together fall evenly over plugins and lengths, so that even a small report has the
# shape of a large one.
_PLUGIN_STEP = 0.7548776662466927
_LENGTH_STEP = 0.5698402909980532
_HOST_ITEMS = 90
_SYSTEMS = (
    ("Microsoft Windows Server 2022 Standard", "windows"),
    ("Linux Kernel 5.15 on Ubuntu 22.04", "linux"),
    ("Linux Kernel 6.1 on Debian 12", "linux"),
    ("Cisco IOS 15.2", "other"),
)
_START = 1_762_500_000


@dataclass(frozen=True, slots=True)
class Shape:
    """bytes: about how large. checks: compliance checks of each host. plugins: of the catalogue."""

    bytes: int = 5_000_000
    seed: int = 1
    checks: int = 0
    plugins: int = 1_500
    policy_bytes: int = 400_000
    name: str = "Made-up scan"


@dataclass(slots=True)
class Truth:
    """What a reader of the report must find."""

    hosts: int = 0
    findings: int = 0
    severities: Counter[str] = field(default_factory=Counter)
    compliance: Counter[str] = field(default_factory=Counter)
    authentication: Counter[str] = field(default_factory=Counter)
    cves: int = 0
    bytes: int = 0

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


_NAMES = ("info", "low", "medium", "high", "critical")


def write_report(path: Path, shape: Shape) -> Truth:
    """Write a report; the same shape gives the same bytes."""
    truth = Truth()
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for part in _parts(shape, truth):
            truth.bytes += len(part)  # all of it is ASCII
            file.write(part)
    return truth


def _parts(shape: Shape, truth: Truth) -> Iterator[str]:
    yield '<?xml version="1.0" ?>\n<NessusClientData_v2>\n'
    yield from _policy(shape)
    yield f'<Report name="{shape.name}" xmlns:cm="http://www.nessus.org/cm">\n'
    hosts = _Hosts(shape, truth)
    while truth.bytes < shape.bytes or not truth.hosts:
        yield from hosts.host(truth.hosts)
    yield "</Report>\n</NessusClientData_v2>\n"


def _policy(shape: Shape) -> Iterator[str]:
    source = chance(f"policy {shape.seed}")
    numbers = ";".join(
        str(source.randint(10_000, 250_000)) for _ in range(shape.policy_bytes // 14)
    )
    yield "<Policy><policyName>Advanced Scan</policyName>\n<Preferences><ServerPreferences>\n"
    for name, value in (("TARGET", "198.18.0.0/15"), ("max_hosts", "100"), ("plugin_set", numbers)):
        yield f"<preference><name>{name}</name>\n<value>{value}</value>\n</preference>\n"
    yield "</ServerPreferences>\n<PluginsPreferences>\n"
    prose = Prose(source)
    for _ in range(shape.policy_bytes // 2 // 260):
        name = prose.words(3)
        yield (
            f"<item><pluginName>{name}</pluginName>\n"
            f"<pluginId>{source.randint(1, 99_999)}</pluginId>\n"
            f"<fullName>{name}[entry]:Limit :</fullName>\n"
            "<preferenceName>Limit :</preferenceName>\n<preferenceType>entry</preferenceType>\n"
            "<preferenceValues></preferenceValues>\n<selectedValue></selectedValue>\n</item>\n"
        )
    yield "</PluginsPreferences>\n</Preferences>\n</Policy>\n"


class _Hosts:
    """Writes hosts one after the other and counts what it writes."""

    def __init__(self, shape: Shape, truth: Truth) -> None:
        self._shape = shape
        self._truth = truth
        self._plugins, self._weights = catalogue(shape.seed, shape.plugins)
        self._pool = Pool(chance(f"pool {shape.seed}"))
        even = chance(f"even {shape.seed}")
        self._plugin = even.random()
        self._length = even.random()

    def host(self, number: int) -> Iterator[str]:
        source = chance(f"host {self._shape.seed} {number}")
        address = f"198.{18 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
        system, family = source.choice(_SYSTEMS)
        state = logins.choose(source)
        self._truth.hosts += 1
        self._truth.authentication[logins.VERDICTS[state]] += 1
        yield _properties(source, number, address, system, family, state)
        for item in logins.status_items(state, family == "windows", self._shape.name):
            self._count(0)
            yield item
        for _ in range(max(1, round(_HOST_ITEMS * source.lognormvariate(-0.1, 0.45)))):
            yield self._item(source, number, address)
        for _ in range(self._shape.checks):
            yield self._check(source)
        yield "</ReportHost>\n"

    def _count(self, severity: int, cves: int = 0) -> None:
        self._truth.findings += 1
        self._truth.severities[_NAMES[severity]] += 1
        self._truth.cves += cves

    def _item(self, source: random.Random, number: int, address: str) -> str:
        self._plugin = (self._plugin + _PLUGIN_STEP) % 1
        plugin = self._plugins[bisect_left(self._weights, self._plugin * self._weights[-1])]
        self._count(plugin.severity, plugin.cves)
        port, protocol, service = (
            plugin.service if source.random() < 0.7 else source.choice(SERVICES)
        )
        return (
            f'<ReportItem port="{port}" svc_name="{service}" protocol="{protocol}"{plugin.after}'
            f"{self._output(source, plugin, number, address)}</ReportItem>\n"
        )

    def _output(self, source: random.Random, plugin: Plugin, number: int, address: str) -> str:
        if not plugin.talks:
            return ""
        self._length = (self._length + _LENGTH_STEP) % 1
        length = quantile(_OUTPUT, self._length)
        found = f"\n  Path : /srv/{address}/{source.randrange(1 << 16):x}\n"
        if length <= len(found) + 10:
            found = f"Port {source.choice(SERVICES)[0]}/tcp was found to be open"[:length]
        else:
            found += self._pool.cut(plugin.id + source.randrange(40), length - len(found))
        return f"<plugin_output>{escape(found)}</plugin_output>\n"

    def _check(self, source: random.Random) -> str:
        result = source.choices(("FAILED", "PASSED", "WARNING", "ERROR"), (60, 32, 6, 2))[0]
        self._truth.compliance[result.lower()] += 1
        number = source.randrange(400)
        told = Prose(chance(f"check {self._shape.seed} {number}"))
        name = f"{number // 20 + 1}.{number % 20 + 1} {told.words(6)}"
        fields = {
            "check-name": name,
            "check-id": hashlib.sha256(name.encode()).hexdigest(),
            "actual-value": self._pool.cut(source.randrange(9_000), 240),
            "audit-file": "MADE_UP_v1.0.0_L1.audit",
            "info": told.text(780),
            "policy-value": told.text(200),
            "reference": "800-171|3.4.2,800-53|CM-6,LEVEL|1S",
            "result": result,
            "solution": told.text(700),
        }
        said = f'"{name}" : [{result}]\n\n{fields["info"]}\n\nSolution:\n{fields["solution"]}'
        elements = "".join(
            f"<cm:compliance-{tag}>{escape(text)}</cm:compliance-{tag}>\n"
            for tag, text in fields.items()
        )
        severity = {"FAILED": 3, "PASSED": 1}.get(result, 2)
        return (
            f'<ReportItem port="0" svc_name="unknown" protocol="" severity="{severity}" '
            'pluginID="21157" pluginName="Unix Compliance Checks" '
            'pluginFamily="Policy Compliance">\n<compliance>true</compliance>\n'
            f"<description>{escape(said)}</description>\n<plugin_type>local</plugin_type>\n"
            f"{elements}</ReportItem>\n"
        )


def _properties(
    source: random.Random, number: int, address: str, system: str, family: str, state: str
) -> str:
    start = _START + 13 * number
    logged_in = state in ("success", "partial", "agent")
    tags = {
        "Credentialed_Scan": "true" if logged_in else "false",
        "HOST_START_TIMESTAMP": str(start),
        "HOST_END_TIMESTAMP": str(start + 600),
        "host-ip": address,
        "host-fqdn": f"h{number}.example.org",
        "mac-address": f"02:00:5E:00:{number >> 8 & 255:02X}:{number & 255:02X}",
        "operating-system": system,
        "os": family,
        "policy-used": "Advanced Scan",
        "system-type": "general-purpose",
    }
    tags |= {
        f"cpe-{index}": f"cpe:/a:maker:product{index}" for index in range(source.randint(1, 8))
    }
    tags |= {f"traceroute-hop-{index}": f"192.0.2.{index}" for index in range(source.randint(0, 4))}
    lines = "".join(f'<tag name="{name}">{text}</tag>\n' for name, text in tags.items())
    return f'<ReportHost name="{address}"><HostProperties>\n{lines}</HostProperties>\n'
