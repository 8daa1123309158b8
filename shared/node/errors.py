"""What can go wrong in a node's own parts.

NodeError
 ├ StoreError
 │  ├ StoreUnusable      the database cannot be opened, read or written
 │  └ Unstorable         a value that no database here can hold; the database itself is well
 └ LinkError             the broker's settings cannot work (never: the broker is away)
"""


class NodeError(Exception):
    """Root of a node's errors."""


class StoreError(NodeError):
    """The store could not do what was asked; nothing was written."""


class StoreUnusable(StoreError):
    """The database cannot be opened, read or written; the message says which file and why."""


class Unstorable(StoreError):
    """A value that no database here can hold: text with U+0000 or half a surrogate pair, a number beyond 64 bits."""


class LinkError(NodeError):
    """The broker's settings cannot work: a missing certificate, a refused name or password."""
