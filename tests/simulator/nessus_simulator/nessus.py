"""The simulated Nessus: the only place that changes its scans."""

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import replace

from nessus_simulator import credentials, refusals, runs, scans, templates
from nessus_simulator.accounts import Accounts
from nessus_simulator.clock import Clock
from nessus_simulator.config import Config
from nessus_simulator.exports import Export, Exports
from nessus_simulator.folders import TRASH, Folders
from nessus_simulator.payloads import ScanBody
from nessus_simulator.report.hosts import Job
from nessus_simulator.report.store import Reports
from nessus_simulator.runs import Run
from nessus_simulator.scans import Scan

PORT_SCANNERS = ("syn_scanner", "tcp_scanner", "udp_scanner")


class Nessus:
    """Everything that the HTTP API shows; time comes from the clock, never from timers."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.started = clock.now()
        self.uuid = str(uuid.uuid4())
        self.license = config.license
        self.drop_refusals = config.drop_refusals
        self.host_login = config.host_login
        self.api_token = str(uuid.uuid4()).upper()
        self.accounts = Accounts(config.users, config.api_keys, config.session_seconds)
        self.folders = Folders()
        self.exports = Exports()
        self.reports = Reports(config.report)
        self.uploads: set[str] = set()
        self.scans: dict[int, Scan] = {}
        self._next_scan = 5
        self._next_run = 2

    def scan(self, scan_id: int) -> Scan:
        if scan_id not in self.scans:
            raise refusals.not_found()
        return self.scans[scan_id]

    def create(self, body: ScanBody, owner: str) -> Scan:
        """A scan that has not run, unless it asks for `launch_now`. Names need not be unique."""
        draft = Scan(
            id=self._next_scan,
            uuid=f"template-{uuid.uuid4()}{secrets.token_hex(8)}",
            owner=owner,
            template=templates.TEMPLATES[0],
            name="",
            targets="",
            folder_id=0,
            created=self.clock.now(),
            settings={},
        )
        scan = self._configured(draft, body)
        self._next_scan += 1
        self.scans[scan.id] = scan
        if body.settings.launch_now:
            self.launch(scan.id)
        return self.scans[scan.id]

    def edit(self, scan_id: int, body: ScanBody) -> Scan:
        """Settings that are not sent are gone, as on the full-edit call of Nessus."""
        current = self.scan(scan_id)
        changed = scans.edit(current, self._configured(current, body), self.clock.now())
        self.scans[scan_id] = changed
        return changed

    def launch(self, scan_id: int, alt_targets: Iterable[str] = ()) -> Run:
        """A new run with a uuid of its own, also of a scan that ran before."""
        now, scan = self.clock.now(), self.scan(scan_id)
        alternative = ",".join(alt_targets)
        targets = alternative or scan.targets
        run = Run(
            history_id=self._next_run,
            uuid=str(uuid.uuid4()),
            launched=now,
            targets=targets,
            hosts=self.reports.hosts_for(targets),
            host_seconds=self.config.host_seconds,
            alt_targets=bool(alternative),
        )
        self.scans[scan_id] = scans.launch(scan, run, now)
        self._next_run += 1
        self.reports.plan(run.uuid, self._job(scan, run), run.hosts)
        return run

    def stop(self, scan_id: int) -> None:
        self.scans[scan_id] = scans.stop(self.scan(scan_id), self.clock.now())

    def pause(self, scan_id: int) -> None:
        self.scans[scan_id] = scans.pause(self.scan(scan_id), self.clock.now())

    def resume(self, scan_id: int) -> None:
        self.scans[scan_id] = scans.resume(self.scan(scan_id), self.clock.now())

    def abort(self, scan_id: int) -> None:
        self.scans[scan_id] = scans.abort(self.scan(scan_id), self.clock.now())

    def move(self, scan_id: int, folder_id: int) -> None:
        self.folders.expect(folder_id)
        self.scans[scan_id] = replace(self.scan(scan_id), folder_id=folder_id)

    def delete(self, scan_ids: list[int]) -> None:
        """All of them or, when one is missing or still runs, none."""
        for scan_id in scan_ids:
            scans.expect_deletable(self.scan(scan_id), self.clock.now())
        for scan_id in set(scan_ids):
            self.lose(scan_id)

    def lose(self, scan_id: int) -> None:
        """The scan is gone, whatever it was doing. Its number is not given again."""
        scan = self.scan(scan_id)
        del self.scans[scan_id]
        self.exports.forget(scan_id)
        for run in scan.runs:
            self.reports.forget(run.uuid)

    def delete_folder(self, folder_id: int) -> None:
        """Its scans go to the trash."""
        self.folders.delete(folder_id)
        for scan in tuple(self.scans.values()):
            if scan.folder_id == folder_id:
                self.move(scan.id, TRASH)

    async def export(self, scan_id: int, history_id: int | None) -> Export:
        """Of the last run, or of the one asked for, once it has ended."""
        now, scan = self.clock.now(), self.scan(scan_id)
        run = scans.find_run(scan, history_id)
        if run is None:
            raise refusals.not_found("The scan has no results")
        standing = runs.standing(run, now)
        if standing.status not in runs.ENDED:
            raise refusals.conflict(
                f"Scan {scan_id} is {standing.status}; its results are not complete"
            )
        if standing.status is runs.Status.COMPLETED:
            path = await self.reports.whole(run.uuid)
        else:
            done = runs.hosts_done(run, standing.worked)
            path = await self.reports.first_hosts(run.uuid, done)
        return self.exports.start(scan_id, scan.name, path, now)

    def upload(self, name: str) -> str:
        """The name under which the file can be used; its content is not kept."""
        stem, dot, suffix = name.rpartition(".")
        unique, number = name, 1
        while unique in self.uploads:
            unique = f"{stem or suffix}-{number}{dot if stem else ''}{suffix if stem else ''}"
            number += 1
        self.uploads.add(unique)
        return unique

    def loading_percent(self) -> int | None:
        """How far the start has got; None: ready."""
        elapsed = self.clock.now() - self.started
        if elapsed >= self.config.loading_seconds:
            return None
        return int(100 * elapsed / self.config.loading_seconds)

    def _configured(self, scan: Scan, body: ScanBody) -> Scan:
        settings = body.settings
        template = templates.find(body.uuid)
        if template is None:
            raise refusals.invalid(
                "uuid: there is no such template, see GET /editor/scan/templates"
            )
        self.folders.expect(settings.folder_id)
        if settings.scanner_id != 1:
            raise refusals.invalid(f"There is no scanner {settings.scanner_id}")
        self.reports.hosts_for(settings.text_targets)
        return replace(
            scan,
            template=template,
            name=settings.name,
            targets=settings.text_targets,
            folder_id=settings.folder_id,
            settings=settings.model_dump(),
            credentials=credentials.changed(
                scan.credentials, body.credentials, frozenset(self.uploads)
            ),
        )

    def _job(self, scan: Scan, run: Run) -> Job:
        scanned = any(scan.settings.get(name) == "yes" for name in PORT_SCANNERS)
        port_range = scan.settings.get("portscan_range", "default")
        return Job(
            name=scan.name,
            policy=scan.template.title,
            started=run.launched + runs.PENDING_SECONDS,
            host_seconds=run.host_seconds,
            port_range=str(port_range) if scanned else None,
            checks=scan.template.checks,
            user=scan.credentials[0].username if scan.credentials else None,
            login=self.host_login,
        )
