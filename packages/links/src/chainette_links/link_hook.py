"""Link hooks: code that runs around each call of a link."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from chainette.errors import HookError

if TYPE_CHECKING:
    from chainette_links.link import Link


@dataclass
class LinkCall:
    """One call of a link, as hooks see it.

    Args:
        link: the link.
        args: what it is called with; a hook may replace this before ``forward`` runs.
        kwargs: the keyword arguments, likewise.
        forward_name: the method that computes.
        out: what came out, from ``forward_postprocess`` on; a hook may replace it.
        kept: what hooks keep from before ``forward`` until after it, each under itself.
    """

    link: Link
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    forward_name: str = "forward"
    out: Any = None
    kept: dict[Any, Any] = field(default_factory=dict)


class LinkHook:
    """The base of link hooks. ``link.add_hook(hook)`` installs one for one link, ``with hook:`` for every link that
    this thread calls.

    Override what is needed. Hooks see the calls of links that compute in ``forward``: a class that writes ``__call__``
    of its own calls its children with hooks, but is not seen itself.

    >>> import chainette_links as L
    >>> class Shapes(LinkHook):
    ...     name = "shapes"
    ...     def forward_postprocess(self, args):
    ...         print(type(args.link).__name__, args.args[0].shape, args.out.shape)
    >>> with Shapes():
    ...     y = L.Linear(3, 2)(np.ones((4, 3), "f"))
    Linear (4, 3) (4, 2)
    """

    name = "LinkHook"

    def __enter__(self) -> Self:
        if self.name in _thread.hooks:
            raise HookError(f"a link hook named {self.name!r} is installed already. Give this one another name.")
        self.added(None)
        _thread.hooks = {**_thread.hooks, self.name: self}
        _watch_all(1)
        return self

    def __exit__(self, *exception: object) -> None:
        _thread.hooks = {name: hook for name, hook in _thread.hooks.items() if hook is not self}
        _watch_all(-1)
        self.deleted(None)

    def added(self, link: Link | None) -> None:
        """Called when the hook is installed: for that link, or for all (None). What it raises keeps it out."""

    def deleted(self, link: Link | None) -> None:
        """Called when the hook is removed."""

    def forward_preprocess(self, args: LinkCall) -> None:
        """Called before ``forward``."""

    def forward_postprocess(self, args: LinkCall) -> None:
        """Called after ``forward``."""

    def forward_failed(self, args: LinkCall) -> None:
        """Called in place of ``forward_postprocess`` where something raised an error: to put back what was changed."""


class _Thread(threading.local):
    def __init__(self) -> None:
        self.hooks: dict[str, LinkHook] = {}


_thread = _Thread()
_lock = threading.Lock()
_contexts = 0  # how many ``with hook:`` there are now, in all threads


def _watch_all(change: int) -> None:
    global _contexts
    with _lock:
        _contexts += change
        Hooked._watched = _contexts > 0


class Hooked:
    """What a Link has to do with hooks."""

    _watched: bool = False  # the one test that a call makes; a link with hooks of its own has a True of its own
    _hooks: dict[str, LinkHook] | None = None  # replaced, never changed: copies of a link share it

    @property
    def local_link_hooks(self) -> dict[str, LinkHook]:
        """The hooks of this link by name, in the order in which they run."""
        return dict(self._hooks or {})

    def add_hook(self, hook: LinkHook, name: str | None = None) -> Self:
        """Install a LinkHook for this link, not for those below; returns the link.

        Raises:
            HookError: one of that name is there already.
        """
        key = name or hook.name
        if key in (self._hooks or {}):
            raise HookError(f"{type(self).__name__}: a hook named {key!r} is there already. Give another name=.")
        hook.added(self)  # type: ignore[arg-type]  # whatever is hooked is a Link
        self._hooks = {**(self._hooks or {}), key: hook}
        self._watched = True
        return self

    def delete_hook(self, name: str) -> None:
        """Remove a hook that ``add_hook`` installed.

        Raises:
            HookError: there is none of that name.
        """
        hooks = self.local_link_hooks
        if name not in hooks:
            raise HookError(f"{type(self).__name__}: no hook named {name!r} (there are: {', '.join(hooks)}).")
        hook = hooks.pop(name)
        if hooks:
            self._hooks = hooks
        else:
            del self._hooks, self._watched
        hook.deleted(self)  # type: ignore[arg-type]


def call_watched(link: Link, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Call the link's ``forward`` with the hooks around it: those of the thread outside, those of the link within."""
    call = LinkCall(link, args, kwargs)
    entered: list[LinkHook] = []
    try:
        for hook in (*_thread.hooks.values(), *(link._hooks or {}).values()):
            hook.forward_preprocess(call)
            entered.append(hook)
        call.out = link.forward(*call.args, **call.kwargs)
        while entered:
            entered.pop().forward_postprocess(call)
    except BaseException:
        while entered:
            entered.pop().forward_failed(call)
        raise
    return call.out
