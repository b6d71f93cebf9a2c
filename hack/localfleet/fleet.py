"""A whole fleet: up, down, delete, status. Each holds the fleet's lock, so that two commands never interleave."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

from localfleet import clusters, kind, kubeconfigs, ports, processes, providers, spec, state
from localfleet.controlplane import Plan
from localfleet.failures import FleetError, UsageError
from localfleet.kubeconfigs import Access
from localfleet.locks import locked
from localfleet.paths import FleetDir, fleets_root
from localfleet.progress import say
from localfleet.providers import Programs, Provider
from localfleet.spec import ClusterSpec, FleetSpec
from localfleet.state import FleetState


@dataclass(frozen=True)
class Wanted:
    """What the command line asks of a fleet; None keeps what is, or takes the default."""

    name: str
    children: int | None = None
    nodes: int | None = None
    config: Path | None = None
    provider: Provider | None = None
    kubeconfig: Path | None = None


def up(wanted: Wanted, default_kubeconfig: Path) -> FleetState:
    """Create the fleet or repair it; what runs as it should is left alone."""
    directory = FleetDir.of(spec.checked_name(wanted.name, "fleet name"))
    with locked(directory.lock):
        before = state.load(directory)
        now = _planned(wanted, before, default_kubeconfig)
        programs = _programs(now)
        _refuse_foreign_contexts(now)
        now = _with_ports(now, directory)
        if before:
            _drop_surplus(before, now, directory)
        accesses = _in_parallel(now, lambda cluster: _cluster_up(now, cluster, directory, programs))
        kubeconfigs.merge(now.kubeconfig, accesses)
        return now


def down(name: str) -> None:
    """End the fleet's processes; its data, certificates and ports stay for the next `up`."""
    directory = FleetDir.of(spec.checked_name(name, "fleet name"))
    with locked(directory.lock):
        _stop(existing(name), directory)


def delete(name: str) -> None:
    """End the fleet and remove everything of it; no fleet is fine."""
    directory = FleetDir.of(spec.checked_name(name, "fleet name"))
    with locked(directory.lock):
        remembered = state.load(directory)
        if remembered is not None:
            _stop(remembered, directory)
            for cluster in remembered.spec.clusters:
                if remembered.provider is Provider.KIND:
                    kind.delete(name, cluster.name, directory.cluster(cluster.name))
            kubeconfigs.remove(remembered.kubeconfig, _owners(remembered.spec))
        shutil.rmtree(directory.root, ignore_errors=True)


def existing(name: str) -> FleetState:
    """The remembered fleet; `FleetError` if there is none of this name."""
    remembered = state.load(FleetDir.of(spec.checked_name(name, "fleet name")))
    if remembered is None:
        raise FleetError(f"there is no fleet {name!r}; `hack/fleet up` makes one")
    return remembered


def _planned(wanted: Wanted, before: FleetState | None, default_kubeconfig: Path) -> FleetState:
    if wanted.config is not None:
        wish = spec.read_config(wanted.config, wanted.name)
    elif before is not None:
        wish = before.spec
    else:
        wish = spec.default_spec(wanted.name, 3, 2)
    wish = spec.resized(wish, wanted.children, wanted.nodes)
    if before is None:
        target = (wanted.kubeconfig or default_kubeconfig).expanduser().absolute()
        return FleetState(wish, _choose_provider(wish, wanted.provider), target, {})
    _same_addresses(before.spec, wish)
    _unchangeable("provider", wanted.provider, before.provider)
    _unchangeable("kubeconfig", wanted.kubeconfig and wanted.kubeconfig.expanduser().absolute(), before.kubeconfig)
    return replace(before, spec=wish)


def _same_addresses(before: FleetSpec, wish: FleetSpec) -> None:
    old = {cluster.name: cluster.index for cluster in before.clusters}
    for cluster in wish.clusters:
        if old.get(cluster.name, cluster.index) != cluster.index:
            raise UsageError(
                f"{cluster.name} has moved in the list, but its address ranges cannot change; delete first"
            )


def _unchangeable(flag: str, wish: object, now: object) -> None:
    if wish is not None and wish != now:
        raise UsageError(f"--{flag} {wish}: this fleet has {now}; `hack/fleet delete` it first, or use another --name")


def _choose_provider(wish: FleetSpec, wanted: Provider | None) -> Provider:
    choice = providers.choose(_needed(wish), wish.versions, wanted)
    say(f"provider {choice.provider}: {choice.why}")
    return choice.provider


def _needed(wish: FleetSpec) -> tuple[str, ...]:
    return providers.needed_programs(with_nodes=any(cluster.nodes for cluster in wish.clusters))


def _programs(now: FleetState) -> Programs:
    if now.provider is Provider.KIND:
        return {}
    return providers.obtain(_needed(now.spec), now.spec.versions, now.provider)


def _refuse_foreign_contexts(now: FleetState) -> None:
    """Before anything starts: would the contexts fit into the kubeconfig?"""
    if now.kubeconfig.exists():
        probes = [
            Access(now.spec.context_of(c.name), owner_of(now.spec.name, c.name), "https://127.0.0.1", b"", b"", b"")
            for c in now.spec.clusters
        ]
        kubeconfigs.merged_text(now.kubeconfig.read_text(), probes, str(now.kubeconfig))


def _with_ports(now: FleetState, directory: FleetDir) -> FleetState:
    """Ports for every cluster, written down before anything starts; a stopped cluster's lost port is replaced."""
    if now.provider is Provider.KIND:
        now.save(directory)
        return now
    with locked(fleets_root() / ".ports.lock"):
        taken = ports.reserved(fleets_root())
        chosen = {c.name: _ports_of(c, now.ports, directory, taken) for c in now.spec.clusters}
        now = replace(now, ports=chosen)
        now.save(directory)
    return now


def _ports_of(
    cluster: ClusterSpec, kept: Mapping[str, state.Ports], directory: FleetDir, taken: set[int]
) -> state.Ports:
    old = kept.get(cluster.name, {})
    if old and (_anything_runs(directory, cluster.name) or all(map(ports.is_free, old.values()))):
        return old
    fresh = ports.choose(len(state.PORT_NAMES), taken)
    taken.update(fresh)
    return dict(zip(state.PORT_NAMES, fresh, strict=True))


def _anything_runs(directory: FleetDir, cluster: str) -> bool:
    return any(processes.running(directory.cluster(cluster).record(name)) for name in clusters.PROGRAM_NAMES)


def _drop_surplus(before: FleetState, now: FleetState, directory: FleetDir) -> None:
    """End and remove the clusters that the fleet had and is not to have any more."""
    names = {cluster.name for cluster in now.spec.clusters}
    for cluster in before.spec.clusters:
        if cluster.name not in names:
            _stop_cluster(before, cluster.name, directory)
            if before.provider is Provider.KIND:
                kind.delete(before.spec.name, cluster.name, directory.cluster(cluster.name))
            kubeconfigs.remove(before.kubeconfig, [owner_of(before.spec.name, cluster.name)])
            shutil.rmtree(directory.cluster(cluster.name).root, ignore_errors=True)


def _cluster_up(now: FleetState, cluster: ClusterSpec, directory: FleetDir, programs: Programs) -> Access:
    files = directory.cluster(cluster.name)
    if now.provider is Provider.KIND:
        return kind.up(now.spec, cluster, files)
    names = (now.spec.context_of(cluster.name), owner_of(now.spec.name, cluster.name))
    access = clusters.up(Plan(cluster, files, now.ports[cluster.name], programs), names)
    say(f"{cluster.name}: ready at {access.server}")
    return access


def _in_parallel(now: FleetState, work: Callable[[ClusterSpec], Access]) -> list[Access]:
    """All clusters at once; one that fails does not stop the others, but the fleet is not up."""
    futures = [_in_background(work, cluster) for cluster in now.spec.clusters]
    errors = [error for future in futures if (error := future.exception()) is not None]
    for error in errors:
        if not isinstance(error, FleetError):
            raise error
    if errors:
        raise FleetError("\n".join(map(str, errors)))
    return [future.result() for future in futures]


def _in_background(work: Callable[[ClusterSpec], Access], cluster: ClusterSpec) -> Future[Access]:
    """Unlike an executor's, this thread does not keep an interrupted command from ending."""
    future: Future[Access] = Future()

    def run() -> None:
        try:
            future.set_result(work(cluster))
        except BaseException as error:  # noqa: BLE001 - raised again by whoever asks for the result
            future.set_exception(error)

    threading.Thread(target=run, name=cluster.name, daemon=True).start()
    return future


def _stop(remembered: FleetState, directory: FleetDir) -> None:
    for cluster in remembered.spec.clusters:
        _stop_cluster(remembered, cluster.name, directory)


def _stop_cluster(remembered: FleetState, cluster: str, directory: FleetDir) -> None:
    if remembered.provider is Provider.KIND:
        kind.down(remembered.spec.name, cluster)
    else:
        clusters.stop(directory.cluster(cluster))


def owner_of(fleet: str, cluster: str) -> str:
    """Whose entries in a kubeconfig are this cluster's."""
    return f"{fleet}-{cluster}"


def _owners(wish: FleetSpec) -> list[str]:
    return [owner_of(wish.name, cluster.name) for cluster in wish.clusters]
