"""Starting, repairing and ending the processes of one cluster."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from itertools import compress
from pathlib import Path

from localfleet import certificates, kubeconfigs, nodes, ports, processes
from localfleet.api import Api
from localfleet.controlplane import Plan
from localfleet.failures import FleetError
from localfleet.kubeconfigs import Access
from localfleet.paths import CRDS, ClusterDir
from localfleet.progress import say
from localfleet.waiting import wait_until

PROGRAM_NAMES = ("kwok", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "etcd")
_STORAGE = ("etcd", "kube-apiserver")


def up(plan: Plan, access_names: tuple[str, str], seconds: float = 90) -> Access:
    """Bring one cluster to Ready, starting only what does not run; returns how to reach it."""
    directory = plan.directory
    certificates.ensure(directory.pki, plan.spec.first_service_ip)
    access = _access(plan, "admin", *access_names)
    kubeconfigs.write(directory.kubeconfig, access)
    for program in ("kube-controller-manager", "kube-scheduler"):
        kubeconfigs.write(directory.credentials(program), _access(plan, program, program, program))
    commands = plan.commands()
    stop(directory, [name for name in PROGRAM_NAMES if name not in commands])
    _storage_up(plan, commands, seconds)
    for name in commands:
        if name not in _STORAGE:
            _ensure_running(directory, name, commands[name])
    _furnish(plan, seconds)
    _still_running(directory, list(commands))
    return access


def stop(directory: ClusterDir, programs: list[str] | tuple[str, ...] = PROGRAM_NAMES) -> int:
    """End these programs at once, dependents first; how many ran."""
    return sum(processes.kill(directory.record(program)) for program in programs)


def running(directory: ClusterDir, programs: list[str]) -> dict[str, int | None]:
    """The pid of each program that should run; None where it does not."""
    found = {program: processes.running(directory.record(program)) for program in programs}
    return {program: identity.pid if identity else None for program, identity in found.items()}


def _storage_up(plan: Plan, commands: dict[str, list[str]], seconds: float) -> None:
    """etcd and the API server; data that etcd cannot read after a crash of the machine is thrown away, and said."""
    try:
        _start_storage(plan, commands, seconds)
    except FleetError:
        directory = plan.directory
        if processes.running(directory.record("etcd")) or not directory.etcd_data.exists():
            raise
        say(f"{plan.spec.name}: etcd cannot read its data any more; this cluster starts empty")
        stop(directory)
        shutil.rmtree(directory.etcd_data)
        (directory.root / "crds.applied").unlink(missing_ok=True)
        _start_storage(plan, commands, seconds)


def _start_storage(plan: Plan, commands: dict[str, list[str]], seconds: float) -> None:
    def serves() -> bool:
        _still_running(plan.directory, ["etcd"])
        return ports.is_served(plan.ports["etcd"])

    started = [_ensure_running(plan.directory, "etcd", commands["etcd"])]
    # An API server that finds no etcd tries again only a second later.
    wait_until(serves, seconds, f"{plan.spec.name}: etcd did not listen after {seconds:.0f} s", interval=0.02)
    started.append(_ensure_running(plan.directory, "kube-apiserver", commands["kube-apiserver"]))
    if any(started):
        say(f"{plan.spec.name}: starting {' and '.join(compress(_STORAGE, started))}")
    api = Api(plan.server, plan.directory.pki)

    def ready() -> bool:
        _still_running(plan.directory, list(_STORAGE))
        return api.is_ready()

    wait_until(ready, seconds, f"{plan.spec.name}: the API server was not ready after {seconds:.0f} s")


def _ensure_running(directory: ClusterDir, name: str, command: list[str]) -> bool:
    record = directory.record(name)
    if processes.runs_as(command, record):
        return False
    processes.kill(record)
    directory.log(name).unlink(missing_ok=True)
    processes.start(command, record, directory.log(name))
    return True


def _still_running(directory: ClusterDir, programs: list[str]) -> None:
    for program, pid in running(directory, programs).items():
        if pid is None:
            words = _tail(directory, program)
            raise FleetError(f"{directory.root.name}: {program} ended by itself; its last words:\n{words}")


def _tail(directory: ClusterDir, program: str) -> str:
    try:
        lines = directory.log(program).read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return "(none)"
    return "\n".join(lines[-8:])


def _furnish(plan: Plan, seconds: float) -> None:
    """CRDs, nodes, and the proof that the controllers work."""
    api, spec = Api(plan.server, plan.directory.pki), plan.spec
    apply_crds(plan.directory, plan.programs["kubectl"])
    if spec.nodes:
        nodes.ensure(api, spec)
        nodes.wait_ready(api, spec, seconds)
    account = "/api/v1/namespaces/default/serviceaccounts/default"
    wait_until(lambda: api.has(account), seconds, f"{spec.name}: the controller manager made no service account")


def apply_crds(directory: ClusterDir, kubectl: Path) -> None:
    """Install deploy/crds, unless exactly these are installed already."""
    if not CRDS.is_dir():
        return
    digest = hashlib.sha256()
    for path in sorted(CRDS.rglob("*.yaml")):
        digest.update(path.read_bytes())
    marker = directory.root / "crds.applied"
    if marker.exists() and marker.read_text() == digest.hexdigest():
        return
    apply = ["apply", "--server-side", "--force-conflicts", f"--kustomize={CRDS}"]
    done = subprocess.run(
        [kubectl, f"--kubeconfig={directory.kubeconfig}", *apply], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise FleetError(f"{directory.root.name}: the CRDs in {CRDS} were refused:\n{done.stderr[-1000:]}")
    marker.write_text(digest.hexdigest())


def _access(plan: Plan, user: str, context: str, owner: str) -> Access:
    pki = plan.directory.pki
    certificate, key = (pki / f"{user}.crt").read_bytes(), (pki / f"{user}.key").read_bytes()
    return Access(context, owner, plan.server, (pki / "ca.crt").read_bytes(), certificate, key)
