"""The keys of the plate keypad: what plates of both countries can have, and nothing else."""

from shared.plates import CN_PROVINCES

DIGITS = tuple("1234567890")
LETTERS = tuple("ABCDĐEFGHJKLMNPQRSTUVWXYZ")
PROVINCES = tuple("桂" + CN_PROVINCES.replace("桂", ""))
"""Guangxi first: most Chinese vehicles at these gates are from there."""
TRAILER = "挂"

ROWS = {"digits": DIGITS, "letters": LETTERS, "provinces": (*PROVINCES, TRAILER)}
