"""Published settings that decisions depend on: how what the decree leaves open is read, and how old knowledge may be."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import Enum, StrEnum
from typing import Any, Final

from shared.canonical import digest

NO_FEE: Final = "none"
"""The reading of `fee_before` by which no step asks for the fee."""


class HealthTick(StrEnum):
    """Whether the health quarantine's tick must come at its printed place in an order, or may come earlier (A8, 5)."""

    PRINTED_PLACE = "printed_place"
    MAY_COME_EARLIER = "may_come_earlier"


@dataclass(frozen=True)
class Settings:
    """`readings`: reading in use by clause; `fee_before`: step before which the fee must be confirmed, by khoản.

    Both stand over the files' own choice. A name that a file does not know is not used.
    """

    stale_after_s: int = 600
    health_tick: HealthTick = HealthTick.MAY_COME_EARLIER
    inferred_steps_bind: bool = False
    readings: Mapping[str, str] = field(default_factory=dict)
    fee_before: Mapping[str, str] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Digest of all settings."""
        return digest({one.name: _plain(getattr(self, one.name)) for one in fields(self)})


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return dict(value) if isinstance(value, Mapping) else value
