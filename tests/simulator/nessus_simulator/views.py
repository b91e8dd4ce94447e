"""Scans as the API shows them; lists that would be empty are null, as on a real Nessus."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from nessus_simulator import runs, scans
from nessus_simulator.report.survey import PluginCount, SurveyedHost
from nessus_simulator.runs import HostProgress, Run, Status
from nessus_simulator.scans import Scan

Json = dict[str, Any]

ALL_RIGHTS = 128
SCANNER_NAME = "Local Scanner"
LEVELS = ("info", "low", "medium", "high", "critical")


def listed(scan: Scan, now: float) -> Json:
    """One entry of GET /scans. Dates and uuid are those of the last run."""
    standing = scans.standing(scan, now)
    run = scan.runs[-1] if scan.runs else None
    return {
        "id": scan.id,
        "uuid": run.uuid if run else None,
        "name": scan.name,
        "status": standing.status.value,
        "owner": scan.owner,
        "folder_id": scan.folder_id,
        "type": "local" if run else None,
        "read": True,
        "shared": False,
        "control": True,
        "enabled": False,
        "user_permissions": ALL_RIGHTS,
        "creation_date": int(run.launched if run else scan.created),
        "last_modification_date": int(standing.since) if run else 0,
        "scan_creation_date": int(scan.created),
        "starttime": None,
        "timezone": None,
        "rrules": None,
        "live_results": 0,
    }


def created(scan: Scan, now: float) -> Json:
    """The `scan` of POST /scans and PUT /scans/{id}; its uuid is that of the scan, not of a run."""
    return {
        "id": scan.id,
        "uuid": scan.uuid,
        "name": scan.name,
        "description": scan.settings.get("description"),
        "status": scans.status(scan, now).value,
        "owner": scan.owner,
        "owner_id": 2,
        "type": "public",
        "read": False,
        "shared": 0,
        "enabled": False,
        "permissions": ALL_RIGHTS,
        "user_permissions": ALL_RIGHTS,
        "folder_id": scan.folder_id,
        "tag_id": scan.folder_id,
        "policy_id": None,
        "scanner_id": 1,
        "custom_targets": scan.targets,
        "creation_date": int(scan.created),
        "last_modification_date": int(scan.created),
        "starttime": None,
        "timezone": None,
        "rrules": None,
        "emails": None,
        "notification_filters": None,
    }


def details(scan: Scan, run: Run | None, surveyed: Sequence[SurveyedHost], now: float) -> Json:
    """GET /scans/{id} of one run; `surveyed` are the hosts of its whole report."""
    if run is None:
        found: tuple[HostProgress, ...] = ()
    else:
        found = runs.progress(run, runs.standing(run, now).worked)
    done = [surveyed[host.index] for host in found if host.percent == 100]
    return {
        "info": _info(scan, run, len(found), now),
        "hosts": [_host(host, surveyed[host.index]) for host in found] or None,
        "vulnerabilities": _vulnerabilities(done) or None,
        "comphosts": None,
        "compliance": None,
        "history": [_history(each, now) for each in scan.runs] or None,
        "notes": None,
        "remediations": None,
        "filters": None,
    }


def host_details(host: HostProgress, surveyed: SurveyedHost) -> Json:
    """GET /scans/{id}/hosts/{host_id}."""
    tags = surveyed.properties
    plugins = surveyed.plugins if host.percent == 100 else ()
    return {
        "info": {
            "host-ip": tags.get("host-ip", surveyed.name),
            "host-fqdn": tags.get("host-fqdn"),
            "operating-system": tags.get("operating-system"),
            "mac-address": tags.get("mac-address"),
            "host_start": tags.get("HOST_START"),
            "host_end": tags.get("HOST_END"),
        },
        "vulnerabilities": [
            _vulnerability(plugin, index)
            | {"host_id": host.index + 1, "hostname": surveyed.name, "severity_index": index}
            for index, plugin in enumerate(plugins)
        ]
        or None,
        "compliance": None,
    }


def _info(scan: Scan, run: Run | None, host_count: int, now: float) -> Json:
    info: Json = {
        "object_id": scan.id,
        "uuid": run.uuid if run else scan.uuid,
        "name": scan.name,
        "status": Status.EMPTY.value,
        "targets": run.targets if run else scan.targets,
        "policy": scan.template.title,
        "policy_template_uuid": scan.template.uuid,
        "scanner_name": SCANNER_NAME,
        "folder_id": scan.folder_id,
        "hostcount": host_count,
        "haskb": False,
        "hasaudittrail": False,
        "user_permissions": ALL_RIGHTS,
        "edit_allowed": True,
        "control": True,
        "no_target": False,
        "alt_targets_used": bool(run and run.alt_targets),
        "timestamp": int(scan.created),
    }
    if run is None:
        return info
    standing = runs.standing(run, now)
    info |= {
        "status": standing.status.value,
        "scan_start": int(run.launched),
        "timestamp": int(standing.since),
    }
    if standing.status in runs.ENDED:
        info |= {"scan_end": int(standing.since), "haskb": True, "hasaudittrail": True}
    return info


def _history(run: Run, now: float) -> Json:
    standing = runs.standing(run, now)
    return {
        "history_id": run.history_id,
        "uuid": run.uuid,
        "owner_id": 2,
        "status": standing.status.value,
        "type": "local",
        "creation_date": int(run.launched),
        "last_modification_date": int(standing.since),
        "scheduler": 0,
        "alt_targets_used": run.alt_targets,
    }


def _host(host: HostProgress, surveyed: SurveyedHost) -> Json:
    counts = [count * host.percent // 100 for count in surveyed.severity_counts()]
    view: Json = {
        "host_id": host.index + 1,
        "host_index": host.index,
        "hostname": surveyed.name,
        "progress": f"{host.percent}-{host.percent}/100-100",
        "scanprogresscurrent": host.percent,
        "scanprogresstotal": 100,
        "numchecksconsidered": host.percent,
        "totalchecksconsidered": 100,
        "severity": sum(counts),
        "score": sum(count * 10**level for level, count in enumerate(counts)),
        "severitycount": {
            "item": [{"severitylevel": n, "count": count} for n, count in enumerate(counts)]
        },
        **dict(zip(LEVELS, counts, strict=True)),
    }
    credentialed = surveyed.properties.get("Credentialed_Scan")
    if credentialed and host.percent == 100:
        view["credential"] = credentialed
    return view


def _vulnerabilities(hosts: Sequence[SurveyedHost]) -> list[Json]:
    totals: Counter[tuple[int, str, str, int]] = Counter()
    for host in hosts:
        for plugin in host.plugins:
            totals[plugin.id, plugin.name, plugin.family, plugin.severity] += plugin.count
    merged = (PluginCount(*key, count) for key, count in totals.items())
    ordered = sorted(merged, key=lambda plugin: (-plugin.severity, plugin.id))
    return [_vulnerability(plugin, index) for index, plugin in enumerate(ordered)]


def _vulnerability(plugin: PluginCount, index: int) -> Json:
    return {
        "plugin_id": plugin.id,
        "plugin_name": plugin.name,
        "plugin_family": plugin.family,
        "severity": plugin.severity,
        "count": plugin.count,
        "score": None,
        "vpr_score": None,
        "epss_score": None,
        "cpe": None,
        "vuln_index": index,
        "severity_index": index,
        "offline": False,
        "snoozed": 0,
    }
