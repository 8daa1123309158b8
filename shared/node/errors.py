"""What can go wrong in a node's own parts.

NodeError
 ├ StoreError
 │  └ StoreUnusable      the database cannot be opened, read or written
 └ LinkError             the broker's settings cannot work (never: the broker is away)
"""


class NodeError(Exception):
    """Root of a node's errors."""


class StoreError(NodeError):
    """The store could not do what was asked; nothing was written."""


class StoreUnusable(StoreError):
    """The database cannot be opened, read or written; the message says which file and why."""


class LinkError(NodeError):
    """The broker's settings cannot work: a missing certificate, a refused name or password."""
