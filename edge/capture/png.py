"""Whether a PNG file can be true to what it says of itself, told before a decoder believes it."""

import struct

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">I4s")  # length of the data, name
_SUM_BYTES = 4


def overruns(coded: bytes) -> bool:
    """True for a PNG with a chunk that claims to reach beyond the end of the file: decoders take memory for the claim.

    False for anything that is no PNG. What follows the chunk IEND is no part of the picture.
    """
    if not coded.startswith(_SIGNATURE):
        return False
    at, name = len(_SIGNATURE), b""
    while name != b"IEND" and at + _HEAD.size <= len(coded):
        length, name = _HEAD.unpack_from(coded, at)
        at += _HEAD.size + length + _SUM_BYTES
    return at > len(coded)
