"""The newest version known of each object of one kind, fed by a Reflector and by our writes."""

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

import structlog
from pydantic import ValidationError

from nessus_operator.clients.kube.reflector import Change
from nessus_operator.clients.kube.requests import Object

log = structlog.get_logger(__name__)

T = TypeVar("T")
Key = tuple[str, str]  # (namespace, name)
Listener = Callable[[T | None, T | None], None]

_TOMBSTONES = 4096


class Store(Generic[T]):
    """Objects by uid and by (namespace, name), each parsed once when it changes.

    The answer to a write is applied at once and may come after the watch has already told of
    something newer, or of the deletion: older versions and deleted objects are never brought back.
    `group` names the group of an item, such as its pool, which must never change.
    """

    def __init__(
        self, parse: Callable[[Object], T], group: Callable[[T], Key] = lambda _: ("", "")
    ) -> None:
        self._parse = parse
        self._group = group
        self._groups: dict[Key, dict[str, T]] = {}
        self._listeners: list[Listener[T]] = []
        self._items: dict[str, T] = {}
        self._versions: dict[str, int] = {}
        self._uids: dict[Key, str] = {}
        self._deleted: dict[str, None] = {}

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._items.values()))

    def __len__(self) -> int:
        return len(self._items)

    def __contains__(self, uid: str) -> bool:
        return uid in self._items

    def knew(self, uid: str) -> bool:
        """It is there, or was deleted while we followed."""
        return uid in self._items or uid in self._deleted

    def by_uid(self, uid: str) -> T | None:
        return self._items.get(uid)

    def by_name(self, namespace: str, name: str) -> T | None:
        uid = self._uids.get((namespace, name))
        return self._items.get(uid) if uid else None

    def in_group(self, key: Key) -> list[T]:
        return list(self._groups.get(key, {}).values())

    def groups(self) -> list[Key]:
        """The groups that have items."""
        return list(self._groups)

    def subscribe(self, listener: Listener[T]) -> None:
        """Call `listener(old, new)` after each change that was taken; None: was not, or is gone."""
        self._listeners.append(listener)

    def apply(self, change: Change, body: Object) -> None:
        """Take one change; an older one than known is left out."""
        uid = body["metadata"]["uid"]
        old = self._items.get(uid)
        if change == "DELETED":
            self._remove(uid, body)
        else:
            self._put(uid, body)
        new = self._items.get(uid)
        if new is not old:
            for listener in self._listeners:
                listener(old, new)

    def _put(self, uid: str, body: Object) -> None:
        version = int(body["metadata"]["resourceVersion"])
        if uid in self._deleted or version <= self._versions.get(uid, 0):
            return
        try:
            item = self._parse(body)
        except ValidationError as error:
            # Only a CRD of another version can bring this; one such object must not stop the rest.
            log.error("Object not understood", object=_key(body), error=_first(error))
            return
        self._items[uid] = item
        self._groups.setdefault(self._group(item), {})[uid] = item
        self._versions[uid] = version
        self._uids[_key(body)] = uid

    def _remove(self, uid: str, body: Object) -> None:
        self._deleted[uid] = None
        if len(self._deleted) > _TOMBSTONES:
            del self._deleted[next(iter(self._deleted))]
        item = self._items.pop(uid, None)
        if item is not None:
            group = self._group(item)
            del self._groups[group][uid]
            if not self._groups[group]:
                del self._groups[group]
        self._versions.pop(uid, None)
        if self._uids.get(_key(body)) == uid:
            del self._uids[_key(body)]


def _key(body: Object) -> Key:
    return body["metadata"].get("namespace", ""), body["metadata"]["name"]


def _first(error: ValidationError) -> dict[str, Any]:
    first = error.errors(include_url=False, include_input=False)[0]
    return {"field": ".".join(map(str, first["loc"])), "problem": first["msg"]}
