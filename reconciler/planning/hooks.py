"""Which hooks run when: those of charts, and objects with Argo CD's annotation, around the plan of one unit.

A chart that the inventory does not know is installed, one with another digest is upgraded, one that leaves the unit is
deleted; each has hooks before and after. The digest is that of its objects and hooks. Objects with Argo CD's hook
annotation in files are the hooks of all that the unit has, under the name `ARGO`. Tests of charts and hooks of
rollbacks never run.
"""

from collections.abc import Iterable, Mapping

import msgspec

from reconciler.model.applying import whole
from reconciler.model.feed import RenderedFeed, RenderedObject
from reconciler.model.inflation import Role
from reconciler.model.inventory import Inventory
from reconciler.model.objects import Digest, Object, ObjectKey, digest_of
from reconciler.model.plan import Plan, Work
from reconciler.planning import order

ARGO = "argocd"
"""What the inventory calls the objects of a unit that Argo CD's hooks belong to; no HelmChart is called so."""
_HELM = "helm.sh/hook"
_ARGO = "argocd.argoproj.io/hook"
_BEFORE_CREATION, _SUCCEEDED, _FAILED = "before-hook-creation", "hook-succeeded", "hook-failed"
_EVENTS: Mapping[str, tuple[str, ...]] = {
    "PreSync": ("pre-install", "pre-upgrade"),
    "PostSync": ("post-install", "post-upgrade"),
    "PreDelete": ("pre-delete",),
    "PostDelete": ("post-delete",),
    "Skip": (),
    "SyncFail": (),
}
_POLICIES = {"HookSucceeded": _SUCCEEDED, "HookFailed": _FAILED, "BeforeHookCreation": _BEFORE_CREATION}
_DELETES = frozenset({"pre-delete", "post-delete"})


class Hook(msgspec.Struct, frozen=True):
    """One object that is made at some moments, and waited for when it is a Job or Pod."""

    object: RenderedObject
    chart: str
    """`namespace/name` of the HelmChart, or `ARGO`."""
    events: frozenset[str]
    """Helm's words: `pre-install`, `post-delete`."""
    weight: int = 0
    gone_after_success: bool = False
    gone_after_failure: bool = False

    @property
    def key(self) -> ObjectKey:
        """Of the object."""
        return self.object.key


class Due(msgspec.Struct, frozen=True):
    """One hook that is to run now."""

    event: str
    hook: Hook


class Phases(msgspec.Struct, frozen=True):
    """The hooks around one plan, and what the inventory shall say of charts."""

    before: tuple[Due, ...] = ()
    after: tuple[Due, ...] = ()
    done: Mapping[str, Digest] = {}
    """Charts when all writes and hooks are done, those that are leaving included: what is new is here and stays."""
    leaving: frozenset[str] = frozenset()
    """Charts that are forgotten when all deletes are done too."""
    keep: tuple[Hook, ...] | None = None
    """Hooks of deletes that must outlive the chart in the repo; None where what is kept stays as it is."""


def parted(work: Work) -> Work:
    """The work with Argo CD's hooks aside, where those of charts are already."""
    feed = work.feed
    if feed is None or not any(_is_argo(found) for found in feed.objects):
        return work
    aside = tuple(msgspec.structs.replace(found, role=Role.HOOK) for found in feed.objects if _is_argo(found))
    objects = tuple(found for found in feed.objects if not _is_argo(found))
    return msgspec.structs.replace(
        work, feed=msgspec.structs.replace(feed, objects=objects, aside=(*feed.aside, *aside))
    )


def without_hooks(inventory: Inventory, feed: RenderedFeed | None) -> Inventory:
    """The inventory as a planner shall see it: hooks of the feed are neither written nor pruned by waves."""
    keys = {found.key for found in feed.aside if found.role is Role.HOOK} if feed else set()
    if keys.isdisjoint(inventory.entries):
        return inventory
    kept = {key: entry for key, entry in inventory.entries.items() if key not in keys}
    return msgspec.structs.replace(inventory, entries=kept)


def hooks_of(objects: Iterable[RenderedObject]) -> tuple[Hook, ...]:
    """The hooks among some objects, in the order in which they run."""
    found = [_hook(one) for one in objects if one.role is Role.HOOK]
    return tuple(sorted(found, key=lambda hook: (hook.weight, order.rank(hook.key), hook.object.digest)))


def leaving(feed: RenderedFeed | None, inventory: Inventory, plan: Plan) -> frozenset[str]:
    """Charts that the inventory knows and the feed lacks, where nothing holds back all deletes."""
    if plan.guard is not None and not plan.prunes:
        return frozenset()
    return frozenset(inventory.charts.keys() - digests_of_charts(feed).keys())


def phases(feed: RenderedFeed | None, inventory: Inventory, plan: Plan, kept: Iterable[Hook]) -> Phases:
    """What is due around a plan. `kept` are the hooks of deletes that were kept when their charts were here."""
    digests, gone = digests_of_charts(feed), leaving(feed, inventory, plan)
    hooks = hooks_of(feed.aside) if feed else ()
    begun = {name: _event(name, digests[name], feed, inventory) for name in digests} if feed else {}
    kept = () if feed is None and plan.orphan else tuple(hook for hook in kept if hook.chart in gone)
    own = {hook.key for hook in kept}
    deleting = any(change.key not in own for wave in plan.prunes for change in wave)
    before = [Due(f"pre-{event}", hook) for hook in hooks if (event := begun.get(hook.chart))]
    before += [Due("pre-delete", hook) for hook in kept if deleting]
    after = [Due(f"post-{event}", hook) for hook in hooks if (event := begun.get(hook.chart))]
    after += [Due("post-delete", hook) for hook in kept]
    moved = gone or any(begun.values())
    lasting = tuple(hook for hook in hooks if hook.events & _DELETES)
    return Phases(
        before=tuple(due for due in before if due.event in due.hook.events),
        after=tuple(due for due in after if due.event in due.hook.events),
        done={**inventory.charts, **digests},
        leaving=gone,
        keep=lasting if moved and (lasting or inventory.charts) else None,
    )


def _event(name: str, digest: Digest, feed: RenderedFeed | None, inventory: Inventory) -> str:
    known = inventory.charts.get(name)
    if known is not None:
        return "" if known == digest else "upgrade"
    objects = [found for found in feed.objects if _belongs(found, name)] if feed else []
    # a feed that is wholly there, with this chart and no word of it, is from before hooks were run
    there = [inventory.entries[found.key] for found in objects if found.key in inventory.entries]
    if inventory.feed is None or not there or name == ARGO:
        return "install"
    same = len(there) == len(objects) and {entry.digest for entry in there} == {found.digest for found in objects}
    return "" if same else "upgrade"


def digests_of_charts(feed: RenderedFeed | None) -> dict[str, Digest]:
    """The charts of a feed, each with the digest of its objects and hooks."""
    found: dict[str, list[Digest]] = {}
    if feed is None:
        return {}
    hooks = [one for one in feed.aside if one.role is Role.HOOK]
    for one in (*feed.objects, *hooks):
        if one.chart:
            found.setdefault(one.chart, []).append(one.digest)
    if any(not one.chart for one in hooks):
        found[ARGO] = [one.digest for one in (*feed.objects, *hooks)]
    return {name: digest_of(sorted(digests)) for name, digests in sorted(found.items())}


def _belongs(found: RenderedObject, chart: str) -> bool:
    return chart == ARGO or found.chart == chart


def _hook(found: RenderedObject) -> Hook:
    annotations = _annotations(found.body)
    helm = _words(annotations.get(_HELM))
    if helm:
        policies = set(_words(annotations.get(f"{_HELM}-delete-policy")))
        events, weight = frozenset(helm), annotations.get(f"{_HELM}-weight")
    else:
        policies = {_POLICIES.get(word, word) for word in _words(annotations.get(f"{_ARGO}-delete-policy"))}
        events = frozenset(event for word in _words(annotations.get(_ARGO)) for event in _EVENTS.get(word, ()))
        weight = annotations.get("argocd.argoproj.io/sync-wave")
    return Hook(found, found.chart or ARGO, events, whole(weight) or 0, _SUCCEEDED in policies, _FAILED in policies)


def _is_argo(found: RenderedObject) -> bool:
    words = _words(_annotations(found.body).get(_ARGO))
    return bool(words) and not (set(words) - _EVENTS.keys())


def _annotations(body: Object) -> Mapping[str, object]:
    found = (body.get("metadata") or {}).get("annotations")
    return found if isinstance(found, Mapping) else {}


def _words(text: object) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()] if isinstance(text, str) else []
