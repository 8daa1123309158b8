"""Who a node is."""

from dataclasses import dataclass

from shared.signing import PrivateKey, PublicKey


@dataclass(frozen=True)
class Identity:
    """A node's name, site and key, and the centre's public key that was pinned at installation."""

    node: str
    site: str
    key: PrivateKey
    root: PublicKey
