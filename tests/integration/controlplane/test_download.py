"""The published binaries: only with their pinned checksum, once, and else the Go modules."""

from collections.abc import Callable

import pytest
from tests.integration.controlplane.conftest import PARTS, Publisher, Tools

# Answers as Go does; `go build ... -o FILE PACKAGE` is its only other use.
WORKING_GO = """\
if [ "$1" = env ]; then echo go1.26.0; exit; fi
while [ "$1" != -o ]; do shift; done
echo '#!/bin/sh' > "$2"
/bin/chmod 755 "$2"
"""


def test_the_archives_become_a_folder_with_all_programs(tools: Tools, publisher: Publisher) -> None:
    status, folder, progress = tools.run("path")
    assert status == 0, progress
    assert folder == str(tools.cache / f"downloaded-v1.36.0-{folder.split('v1.36.0-')[1]}")
    for part in PARTS:
        assert f"# {part}\n" in (tools.cache / folder / part).read_text()
    assert publisher.asked == ["/envtest.tar.gz", "/server.tar.gz"]
    assert progress.count("downloading ") == 2


def test_what_was_downloaded_is_not_asked_for_again(tools: Tools, publisher: Publisher) -> None:
    first = tools.run("path")[1]
    publisher.asked.clear()
    assert tools.run("path") == (0, first, "")
    assert publisher.asked == []


def test_two_at_once_download_once_and_both_work(tools: Tools, publisher: Publisher) -> None:
    publisher.may_answer.clear()
    with tools.start("path") as first:
        assert publisher.arrived.wait(30)
        with tools.start("path") as second:
            assert second.stderr is not None
            waiting = second.stderr.readline()
            publisher.may_answer.set()
            said = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert waiting == "hack/controlplane: another call is getting the binaries; waiting for it\n"
    assert (first.returncode, second.returncode) == (0, 0)
    assert said[0] == said[1] != ""
    assert publisher.asked == ["/envtest.tar.gz", "/server.tar.gz"]


def corrupt(publisher: Publisher) -> None:
    publisher.files["/envtest.tar.gz"] += b"x"


def cut(publisher: Publisher) -> None:
    publisher.cut.add("/envtest.tar.gz")


def lose(publisher: Publisher) -> None:
    del publisher.files["/envtest.tar.gz"]


FAULTS = {
    "a wrong checksum": (corrupt, "envtest.tar.gz does not have its pinned checksum; not used"),
    "a truncated archive": (cut, "envtest.tar.gz ended after "),
    "a 404": (lose, " answered 404 for envtest.tar.gz"),
}


@pytest.mark.parametrize(("spoil", "reason"), FAULTS.values(), ids=FAULTS)
def test_after_a_fault_nothing_of_it_is_kept_and_the_modules_are_built(
    tools: Tools, publisher: Publisher, spoil: Callable[[Publisher], None], reason: str
) -> None:
    spoil(publisher)
    tools.go(WORKING_GO)
    status, folder, progress = tools.run("path")
    assert status == 0, progress
    assert reason in next(line for line in progress.splitlines() if "not downloaded" in line)
    assert "/built-v1.36." in folder
    assert not any(part in str(file) for part in PARTS for file in tools.cache.glob("down*/*"))


def test_a_publisher_out_of_reach_is_one_line_and_then_the_modules_are_built(tools: Tools) -> None:
    tools.go(WORKING_GO)
    status, folder, progress = tools.run("path", CONTROLPLANE_MIRROR="http://127.0.0.1:9")
    assert status == 0, progress
    assert progress.count("not downloaded") == progress.count("127.0.0.1:9 is out of reach") == 1
    assert "/built-v1.36." in folder


def test_one_part_out_of_reach_is_built_and_joined_with_the_others(
    tools: Tools, publisher: Publisher
) -> None:
    del publisher.files["/server.tar.gz"]
    tools.go(WORKING_GO)
    status, folder, progress = tools.run("path")
    assert status == 0, progress
    assert progress.count("hack/controlplane: building kube-") == 1
    sources = {part: (tools.home / folder / part).resolve().parent.name for part in PARTS}
    assert sources.pop("kube-controller-manager").startswith("built-")
    assert {source.split("-")[0] for source in sources.values()} == {"downloaded"}
    assert tools.run("path") == (0, folder, "")


def test_without_a_pin_for_this_machine_nothing_is_fetched(
    tools: Tools, publisher: Publisher
) -> None:
    pins = tools.home / "controlplane.d/pins.toml"
    pins.write_text(pins.read_text().replace("linux-", "plan9-"))
    tools.go(WORKING_GO)
    status, _, progress = tools.run("path")
    assert status == 0, progress
    assert "no published binaries are pinned for linux-" in progress
    assert publisher.asked == []


def test_a_mirror_that_is_no_web_address_is_named(tools: Tools) -> None:
    status, _, progress = tools.run("path", CONTROLPLANE_MIRROR="file:///etc")
    assert status == 1
    assert "CONTROLPLANE_MIRROR=file:///etc is not an http or https address" in progress
