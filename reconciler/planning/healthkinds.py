"""When objects are ready: built-in kinds beside workloads, and kinds of Clusternet and of services over clusters.

Nothing is waited for that some clusters never have: a LoadBalancer needs no address outside, an Ingress none at all.
"""

from reconciler.model.objects import Object
from reconciler.planning.conditions import CURRENT, Assessment, Conditions, failed, has, reason, say, waits

_IMPOSSIBLE = {"InvalidSelector", "InvalidMetricSourceType"}
_RELEASED = "deployed"
_FAILED = "failed"


def claim(_: Object, status: Object, __: Conditions) -> Assessment:
    """Bound. A class that waits for the first consumer binds when a pod uses the claim."""
    phase = status.get("phase")
    if phase == "Bound":
        return CURRENT
    return failed("its volume is lost") if phase == "Lost" else waits("not bound")


def volume(_: Object, status: Object, __: Conditions) -> Assessment:
    """Any phase but a failed one."""
    phase = status.get("phase")
    if phase == "Failed":
        return failed(status.get("message") or "phase Failed")
    return CURRENT if phase else waits("no phase yet")


def service(spec: Object, _: Object, __: Conditions) -> Assessment:
    """A LoadBalancer has an address inside its cluster; one outside never comes where nobody gives them out."""
    return waits("no cluster IP") if spec.get("type") == "LoadBalancer" and not spec.get("clusterIP") else CURRENT


def namespace(_: Object, status: Object, __: Conditions) -> Assessment:
    """Not on its way out."""
    return waits("is being deleted") if status.get("phase") == "Terminating" else CURRENT


def definition(_: Object, __: Object, conditions: Conditions) -> Assessment:
    """Its names are free and it is served."""
    if has(conditions, "NamesAccepted", "False"):
        return failed(say(conditions, "NamesAccepted", "its names are taken"))
    if has(conditions, "Established"):
        return CURRENT
    if has(conditions, "Established", "False") and reason(conditions, "Established") != "Installing":
        return failed(say(conditions, "Established", "not Established"))
    return waits("not Established")


def api_service(_: Object, __: Object, conditions: Conditions) -> Assessment:
    """Its server answers."""
    return CURRENT if has(conditions, "Available") else waits(say(conditions, "Available", "not Available"))


def autoscaler(_: Object, __: Object, conditions: Conditions) -> Assessment:
    """It can scale its target and knows what to go by, or its target is scaled to none on purpose."""
    for name in ("AbleToScale", "ScalingActive"):
        if name not in conditions:
            return waits("its controller has not looked at it yet")
        why = reason(conditions, name)
        if has(conditions, name) or why == "ScalingDisabled":
            continue
        words = say(conditions, name, f"not {name}")
        return failed(words) if why in _IMPOSSIBLE else waits(words)
    return CURRENT


def disruption_budget(_: Object, status: Object, conditions: Conditions) -> Assessment:
    """Its controller has counted. How many disruptions it allows is no matter of its own, but of its pods."""
    if "observedGeneration" not in status:
        return waits("its controller has not seen it yet")
    if reason(conditions, "DisruptionAllowed") == "SyncFailed":
        return waits(say(conditions, "DisruptionAllowed"))
    return CURRENT if "disruptionsAllowed" in status else waits("its controller has not counted yet")


def service_export(_: Object, __: Object, conditions: Conditions) -> Assessment:
    """Valid, and out. A conflict holds nobody up: a change that goes from cluster to cluster is one until its end."""
    if has(conditions, "Valid", "False"):
        words = say(conditions, "Valid", "not Valid")
        return waits(words) if reason(conditions, "Valid") == "NoService" else failed(words)
    return _exchanged(conditions, "Failed")


def service_import(_: Object, __: Object, conditions: Conditions) -> Assessment:
    """Ready; an address family that the cluster does not have never gets ready."""
    return _exchanged(conditions, "IPFamilyNotSupported")


def _exchanged(conditions: Conditions, hopeless: str) -> Assessment:
    if "Ready" not in conditions or has(conditions, "Ready"):
        return CURRENT
    words = say(conditions, "Ready", "not Ready")
    return failed(words) if reason(conditions, "Ready") == hopeless else waits(words)


def helm_release(_: Object, status: Object, __: Conditions) -> Assessment:
    """Clusternet's release: in Helm's phase `deployed`."""
    phase = status.get("phase")
    if phase == _RELEASED:
        return CURRENT
    if phase == _FAILED:
        # Not the notes: charts print passwords there.
        return failed(str(status.get("description") or "the release failed").partition("\n")[0])
    return waits(f"phase {phase}" if phase else "not installed yet")
