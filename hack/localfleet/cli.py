"""Arguments, exit codes, terminal: `hack/fleet`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from localfleet import building, fleet, status
from localfleet.failures import FleetError
from localfleet.paths import FleetDir, default_kubeconfig
from localfleet.programs import PROGRAMS
from localfleet.progress import say
from localfleet.providers import Provider
from localfleet.spec import DEFAULT_FLEET

_EPILOG = """exit codes: 0 done · 2 usage or configuration · 4 some clusters failed or are not running · 70 a bug
stdout is data, stderr is talk. docs/local-fleet.md explains it on one page."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except FleetError as error:
        say(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        say("interrupted; `hack/fleet up` goes on from here, `hack/fleet delete` removes what is there")
        return 130


def _parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        "hack/fleet", description="A local fleet of real control planes.", epilog=_EPILOG, formatter_class=formatter
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)
    for name, run, text in (
        ("up", _up, "create the fleet, or repair it"),
        ("status", _status, "show the clusters and whether they are ready"),
        ("kubeconfig", _kubeconfig, "print the path of the kubeconfig with the fleet's contexts"),
        ("down", _down, "end the fleet's processes; data, certificates and ports stay"),
        ("delete", _delete, "end the fleet and remove everything of it"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument("--name", default=DEFAULT_FLEET, help="which fleet, where several run side by side")
        if name in ("up", "status"):
            command.add_argument("-o", "--output", choices=["text", "json", "yaml"], default="text")
        if name == "up":
            _up_arguments(command)
    binaries = commands.add_parser("binaries", help="build what is not cached, print the paths of the programs")
    binaries.add_argument("program", nargs="*", choices=[*PROGRAMS, []], metavar="PROGRAM", help=", ".join(PROGRAMS))
    binaries.set_defaults(run=_binaries)
    return top


def _up_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument("--children", type=int, metavar="N", help="number of children (3)")
    command.add_argument("--nodes", type=int, metavar="N", help="simulated nodes per child (2)")
    command.add_argument(
        "--config", type=Path, metavar="FILE", help="clusters, nodes, versions, extra API server flags"
    )
    command.add_argument("--provider", type=Provider, choices=list(Provider), help="found out if not given")
    command.add_argument(
        "--kubeconfig", type=Path, metavar="FILE", help="where the contexts go (~/.kube/clusternet.config)"
    )


def _up(options: argparse.Namespace) -> int:
    began = time.monotonic()
    wanted = fleet.Wanted(
        options.name, options.children, options.nodes, options.config, options.provider, options.kubeconfig
    )
    fleet.up(wanted, default_kubeconfig())
    say(f"fleet {options.name} is up after {time.monotonic() - began:.1f} s")
    _show(status.of(options.name), options.output)
    return 0


def _status(options: argparse.Namespace) -> int:
    found = status.of(options.name)
    _show(found, options.output)
    return 0 if all(cluster["state"] == "ready" for cluster in found["clusters"]) else FleetError.exit_code


def _kubeconfig(options: argparse.Namespace) -> int:
    print(fleet.existing(options.name).kubeconfig)
    return 0


def _down(options: argparse.Namespace) -> int:
    fleet.down(options.name)
    say(f"fleet {options.name} is down; `hack/fleet up` brings it back")
    return 0


def _delete(options: argparse.Namespace) -> int:
    fleet.delete(options.name)
    say(f"nothing is left of fleet {options.name} in {FleetDir.of(options.name).root.parent}")
    return 0


def _binaries(options: argparse.Namespace) -> int:
    for name in options.program or PROGRAMS:
        print(building.build(PROGRAMS[name], PROGRAMS[name].pinned))
    return 0


def _show(found: dict[str, Any], output: str) -> None:
    if output == "json":
        print(json.dumps(found, indent=2))
    elif output == "yaml":
        sys.stdout.write(yaml.safe_dump(found, sort_keys=False))
    else:
        for cluster in found["clusters"]:
            print(f"{cluster['context']:<24} {cluster['server']:<26} {cluster['nodes']:>3} nodes  {cluster['state']}")
        print(f"export KUBECONFIG={found['kubeconfig']}")
