"""The commands of hack/controlplane. Standard library only: it works before hack/setup has run."""

import argparse
import platform
import shlex
import signal
import sys
from pathlib import Path

import binaries
import homes
import supervisor
from messages import Failure, explain

DESCRIPTION = """\
A real Kubernetes control plane (etcd and kube-apiserver, no nodes) on this machine, for tests and
for trying things out. Several run side by side: each has its own ports on 127.0.0.1 and its own
temporary folder, and leaves nothing behind.

  hack/controlplane up                    start one; prints its folder
  eval "$(hack/controlplane env)"         point kubectl at it
  kubectl get namespaces
  hack/controlplane down                  end it and remove the folder
"""

SOURCES = """\
The programs come from the first of these that has them, Kubernetes 1.36 or newer; what one lacks
is taken from the next:

  KUBEBUILDER_ASSETS=FOLDER               yours
  the folder of setup-envtest             ~/.local/share/kubebuilder-envtest
  ~/.cache/nessus-operator/controlplane   got earlier by this command
  published archives                      github.com and dl.k8s.io, with pinned checksums;
                                          CONTROLPLANE_MIRROR=https://host asks that server instead
  the pinned Go modules                   needs Go 1.26; about 5 minutes on 2 cores, once
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(
        prog="hack/controlplane",
        description=DESCRIPTION,
        epilog=SOURCES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "path",
        help="print the folder with the programs, getting them first if need be",
        epilog=SOURCES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    up = commands.add_parser("up", help="start one and print its folder")
    add_options(up)
    env = commands.add_parser("env", help="print shell lines that point kubectl at it")
    down = commands.add_parser("down", help="end it and remove its folder")
    for command in (env, down):
        command.add_argument(
            "folder", type=Path, nargs="?", help="as printed by up; needed when several run"
        )
    hidden = commands.add_parser("supervise")
    hidden.add_argument("home", type=Path)
    hidden.add_argument("binaries", type=Path)
    add_options(hidden)
    return root


def add_options(command: argparse.ArgumentParser) -> None:
    """What one can choose of a control plane."""
    command.add_argument(
        "--with-controller-manager",
        action="store_true",
        help="also run kube-controller-manager: namespaces can be deleted, owner references are "
        "followed, quotas counted, each namespace has its default ServiceAccount",
    )
    command.add_argument(
        "--owner",
        type=process_id,
        metavar="PID",
        help="end by itself when this process ends, however it ends ($$ in a script); "
        "without it, it runs until `down`",
    )


def process_id(text: str) -> int:
    """A process id; argparse shows this function's name when it raises ValueError."""
    number = int(text)
    if number <= 0:
        raise ValueError
    return number


def run(options: argparse.Namespace) -> None:
    """Does what the command line asks for. Raises Failure and OSError."""
    match options.command:
        case "path":
            sys.stdout.write(f"{binaries.folder()}\n")
        case "up":
            if platform.system() != "Linux":
                raise Failure("it needs Linux, whose kernel ends the servers with their owner")
            homes.sweep()
            home = supervisor.launch(
                binaries.folder(),
                controllers=options.with_controller_manager,
                owner=options.owner,
            )
            sys.stdout.write(f"{home}\n")
        case "env":
            _, state = homes.chosen(options.folder)
            sys.stdout.write(f"export KUBECONFIG={shlex.quote(state.kubeconfig)}\n")
            sys.stdout.write(f'export PATH={shlex.quote(state.binaries)}:"$PATH"\n')
        case "down":
            homes.end(*homes.chosen(options.folder))
        case "supervise":
            supervisor.supervise(
                options.home,
                options.binaries,
                controllers=options.with_controller_manager,
                owner=options.owner,
            )


def main() -> int:
    """The exit status: 0 done, 1 could not (one line says why), 2 wrong usage, 130 interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        run(parser().parse_args())
    except Failure as failure:
        sys.stderr.write(f"hack/controlplane: {failure}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"hack/controlplane: {explain(error)}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
