"""Numbers of freight containers as they are declared: often two in one field, with whatever blanks and marks between."""

import re
import unicodedata

_NUMBER = r"[A-Z]{4}\d{7}"
"""Owner, category, serial number and check digit (ISO 6346)."""

_PIECES = re.compile(rf"{_NUMBER}|[0-9A-Z]+")
_INSIDE_A_NUMBER = re.compile(r"[^0-9A-Z,;/+&]")


def normalise(text: str) -> str:
    """The numbers with a comma between, capitals and digits only; empty when there is none.

    What is no container number is kept too: whether it is right is not said here.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    return ", ".join(_PIECES.findall(_INSIDE_A_NUMBER.sub("", plain)))
