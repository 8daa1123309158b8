"""Ed25519 keys and signatures (RFC 8032). Keys and signatures are written as unpadded base64url text."""

import base64
import binascii
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey


class BadKey(ValueError):
    """A text is not a key: 43 characters of base64url, 32 bytes."""


@dataclass(frozen=True)
class PublicKey:
    """A node's public key; `text` is what facts and configuration files hold."""

    text: str

    def verifies(self, message: str, signature: str) -> bool:
        """True when `signature` over the UTF-8 bytes of `message` was made with this key's private half."""
        try:
            _public_key(self.text).verify(_bytes(signature), message.encode())
        except (BadKey, InvalidSignature, UnicodeEncodeError, ValueError):
            return False
        return True


class PrivateKey:
    """A node's signing key. It has no readable representation, so that it cannot slip into a log."""

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    @classmethod
    def generate(cls) -> "PrivateKey":
        """Makes a new key from the system's random source."""
        return cls(Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> "PrivateKey":
        """Reads the text form; raises BadKey."""
        return cls(_key_bytes(text))

    def text(self) -> str:
        """The secret itself as text, for the key file and nothing else."""
        return _text(self._key.private_bytes_raw())

    @property
    def public(self) -> PublicKey:
        """The public half."""
        return PublicKey(_text(self._key.public_key().public_bytes_raw()))

    def sign(self, message: str) -> str:
        """Signature over the UTF-8 bytes of `message`, 86 characters."""
        return _text(self._key.sign(message.encode()))


def check_key_text(text: str) -> None:
    """Raises BadKey unless `text` has the form of a key."""
    _key_bytes(text)


@lru_cache(maxsize=1024)
def _public_key(text: str) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(_bytes(text))


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadKey("not base64url text") from error


def _key_bytes(text: str) -> bytes:
    raw = _bytes(text.strip())
    if len(raw) != 32:
        raise BadKey(f"a key has 32 bytes, this one {len(raw)}; make one with `barie-edge key`")
    return raw
