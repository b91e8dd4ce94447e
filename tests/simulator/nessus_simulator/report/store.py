"""The report files of runs: one that was given for all of them, or one made for each."""

import asyncio
import os
import tempfile
from pathlib import Path

from nessus_simulator import refusals, targets
from nessus_simulator.report import cut, generate
from nessus_simulator.report.hosts import Job
from nessus_simulator.report.survey import Output, Survey, SurveyedHost, outputs, survey


class Reports:
    """Reports are made when they are first asked for, in a folder that `close` removes."""

    def __init__(self, given: Path | None) -> None:
        self._given = given
        self._given_survey = survey(given) if given else Survey()
        self._folder = tempfile.TemporaryDirectory(prefix="nessus-simulator-")
        self._plans: dict[str, tuple[Job, tuple[str, ...]]] = {}
        self._surveys: dict[str, tuple[SurveyedHost, ...]] = {}
        self._copies = 0

    @property
    def problem(self) -> str | None:
        """Why the given report is not well-formed."""
        return self._given_survey.problem

    def hosts_for(self, text_targets: str) -> tuple[str, ...]:
        """Who will be found: the hosts of the given report, else the targets that answer."""
        expanded = targets.expand(text_targets)
        if self._given:
            return tuple(host.name for host in self._given_survey.hosts)
        return targets.reachable(expanded)

    def plan(self, run_uuid: str, job: Job, hosts: tuple[str, ...]) -> None:
        self._plans[run_uuid] = (job, hosts)

    async def hosts(self, run_uuid: str) -> tuple[SurveyedHost, ...]:
        """The hosts of the whole report, also of those that the run has not reached yet."""
        if self._given:
            return self._given_survey.hosts
        if run_uuid not in self._surveys:
            path = await self.whole(run_uuid)
            self._surveys[run_uuid] = (await asyncio.to_thread(survey, path)).hosts
        return self._surveys[run_uuid]

    async def outputs(self, run_uuid: str, host_index: int, plugin_id: int) -> tuple[Output, ...]:
        path = await self.whole(run_uuid)
        return await asyncio.to_thread(outputs, path, host_index, plugin_id)

    async def whole(self, run_uuid: str) -> Path:
        """The report of the run as if it had completed."""
        if self._given:
            return self._given
        if run_uuid not in self._plans:
            raise refusals.not_found()
        path = Path(self._folder.name, f"{run_uuid}.nessus")
        await asyncio.to_thread(_make_once, path, self._new_copy(), *self._plans[run_uuid])
        return path

    async def first_hosts(self, run_uuid: str, count: int) -> Path:
        """A partial report."""
        path = self._new_copy()
        await asyncio.to_thread(cut.keep_hosts, await self.whole(run_uuid), path, count)
        return path

    def forget(self, run_uuid: str) -> None:
        self._plans.pop(run_uuid, None)
        self._surveys.pop(run_uuid, None)
        Path(self._folder.name, f"{run_uuid}.nessus").unlink(missing_ok=True)

    def close(self) -> None:
        self._folder.cleanup()

    def _new_copy(self) -> Path:
        self._copies += 1
        return Path(self._folder.name, f"copy-{self._copies}.nessus")


def _make_once(path: Path, scratch: Path, job: Job, hosts: tuple[str, ...]) -> None:
    if path.exists():
        return
    with scratch.open("wb") as output:
        generate.write(output, job, hosts)
    os.replace(scratch, path)
