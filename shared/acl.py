"""Who may publish and read what at a broker, as the text of a Mosquitto ACL file.

A node publishes only where the last name of the topic is its own, and reads its own site; checkpoints are the centre's to
publish. Mosquitto's patterns know the name
of a client and not its site, so every client has a block of its own; whoever has none may do nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from shared.journal import is_centre
from shared.protocol import (
    ROOT,
    ask_topic,
    checkpoint_topic,
    facts_topic,
    fill_topic,
    pictures_topic,
    status_topic,
    vector_topic,
)

_NAME = re.compile(r"[A-Za-z0-9-]{1,40}")
_OWN = (facts_topic, vector_topic, status_topic, pictures_topic)
_CENTRES = (checkpoint_topic,)
_ADDRESSED = (ask_topic, fill_topic)


@dataclass(frozen=True)
class NodeAccess:
    """A node at a broker: it publishes as `node` and reads `site`.

    `login`: the common name of its certificate, where that is not its own name: the centre is one client for all the nodes
    that it is at its sites (`shared.journal.centre_node`). `also_reads`: other sites that it follows, such
    as the yards that serve its gate. Raises ValueError for a name that is not 1 to 40 letters, digits and dashes.
    """

    node: str
    site: str
    login: str | None = None
    also_reads: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (self.node, self.site, self.user, *self.also_reads):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name[:60]!r} is no name; write 1 to 40 letters, digits and dashes")

    @property
    def user(self) -> str:
        """The name the broker knows it by."""
        return self.node if self.login is None else self.login


def acl_text(nodes: Sequence[NodeAccess]) -> str:
    """The ACL file for these nodes: a block for each login, by name. Raises ValueError when a node stands twice."""
    names = [node.node for node in nodes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"named twice: {', '.join(twice)}; a node has one site and one login")
    ordered = sorted(nodes, key=lambda one: (one.user, one.node))
    return "\n".join(_block(user, list(group)) for user, group in groupby(ordered, lambda one: one.user))


def bridge_text(login: str, site: str) -> str:
    """The block of a bridge between a site's broker and the centre's, for the ACL file at either end.

    It carries what all nodes of the site say, so it may say everything there; signatures tell who really spoke. Raises
    ValueError for a name that is not 1 to 40 letters, digits and dashes.
    """
    bridge = NodeAccess(login, site)
    return f"user {bridge.node}\ntopic readwrite {ROOT}/+/{bridge.site}/#\n"


def _block(user: str, nodes: Sequence[NodeAccess]) -> str:
    sites = dict.fromkeys(site for node in nodes for site in (node.site, *node.also_reads))
    lines = [
        f"user {user}",
        *(f"topic write {topic}" for node in nodes for topic in _topics(node)),
        *(f"topic read {ROOT}/+/{site}/#" for site in sites),
    ]
    return "\n".join(lines) + "\n"


def _topics(node: NodeAccess) -> list[str]:
    own = [topic(node.site, node.node) for topic in (*_OWN, *(_CENTRES if is_centre(node.node) else ()))]
    return own + [topic(node.site, "+", node.node) for topic in _ADDRESSED]
