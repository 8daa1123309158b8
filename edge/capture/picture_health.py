"""Whether a camera's pictures can be trusted: troubles with hold times, and the share of time that they took.

Pure: a state, what one picture showed, the time and the settings give the next state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from edge.capture.picture_learning import Learned, blurred, learn, shift_px
from edge.capture.picture_measures import PictureMeasures


class PictureTrouble(StrEnum):
    """What keeps pictures from being trusted though they arrive."""

    BLINDED = "blinded"  # covered or fogged: no detail anywhere
    MOVED = "moved"  # the still background is not where it was
    UNSHARP = "unsharp"  # edges far softer than this camera's own have been
    DARK = "dark"  # nearly everything black
    GLARE = "glare"  # too much burnt out
    FROZEN = "frozen"  # frames keep arriving and are all the same picture


class Phase(StrEnum):
    """How far a trouble has gone."""

    GOOD = "good"
    SUSPECTED = "suspected"  # seen, not yet for long enough
    TROUBLED = "troubled"
    RECOVERING = "recovering"  # not seen any more, not yet for long enough


STEPS: Mapping[tuple[Phase, bool], tuple[Phase, Phase]] = MappingProxyType(
    {  # (phase, seen in this picture): the next phase, and the one after the hold time
        (Phase.GOOD, False): (Phase.GOOD, Phase.GOOD),
        (Phase.GOOD, True): (Phase.SUSPECTED, Phase.SUSPECTED),
        (Phase.SUSPECTED, False): (Phase.GOOD, Phase.GOOD),
        (Phase.SUSPECTED, True): (Phase.SUSPECTED, Phase.TROUBLED),
        (Phase.TROUBLED, False): (Phase.RECOVERING, Phase.RECOVERING),
        (Phase.TROUBLED, True): (Phase.TROUBLED, Phase.TROUBLED),
        (Phase.RECOVERING, False): (Phase.RECOVERING, Phase.GOOD),
        (Phase.RECOVERING, True): (Phase.TROUBLED, Phase.TROUBLED),
    }
)


@dataclass(frozen=True)
class PictureSettings:
    """Limits. Times in seconds, shares from 0 to 1, `moved_px` in pixels of the small picture (160 wide).

    `ignored`: troubles that are never told of this camera; nothing is learned from such pictures all the same.
    """

    flat: float = 0.85
    black: float = 0.9
    burnt: float = 0.35
    softer: float = 2.0
    """Binary orders by which a patch's edge energy lies below what was learned."""
    soft_patches: float = 0.75
    moved_px: float = 4.0
    begins_after_s: Mapping[PictureTrouble, float] = field(
        default_factory=lambda: {
            PictureTrouble.BLINDED: 30.0,
            PictureTrouble.MOVED: 60.0,
            PictureTrouble.UNSHARP: 300.0,  # longer than a truck stands there with a smooth side
            PictureTrouble.DARK: 120.0,
            PictureTrouble.GLARE: 120.0,
            PictureTrouble.FROZEN: 30.0,  # a camera's key frames come more often, and they bring new noise
        }
    )
    ends_after_s: float = 15.0
    ignored: frozenset[PictureTrouble] = frozenset()
    most_gap_s: float = 10.0
    """Time between two looks that counts at the most; what passed while nobody looked is known to nobody."""


@dataclass(frozen=True)
class Held:
    """The phase of one trouble and the second at which it began."""

    phase: Phase = Phase.GOOD
    since: float = 0.0

    @property
    def troubled(self) -> bool:
        """True from the end of the first hold time to the end of the last."""
        return self.phase in (Phase.TROUBLED, Phase.RECOVERING)


@dataclass(frozen=True)
class Hour:
    """Seconds of one hour: watched, and of those not to be trusted. `number`: hours of the clock that is passed in."""

    number: int
    watched_s: float = 0.0
    untrusted_s: float = 0.0


HOURS = 24


@dataclass(frozen=True)
class PictureHealth:
    """All that is remembered of one camera's pictures."""

    held: Mapping[PictureTrouble, Held] = field(
        default_factory=lambda: MappingProxyType(dict.fromkeys(PictureTrouble, Held()))
    )
    learned: Learned = field(default_factory=Learned)
    fingerprint: bytes | None = None
    looked_at: float | None = None
    hours: tuple[Hour, ...] = ()

    @property
    def troubles(self) -> tuple[PictureTrouble, ...]:
        """The troubles that are there now."""
        return tuple(trouble for trouble, held in self.held.items() if held.troubled)

    @property
    def untrusted_s(self) -> float:
        """Seconds within the last 24 hours, at the last look, in which the pictures could not be trusted."""
        return sum(hour.untrusted_s for hour in self.hours)

    @property
    def untrusted_share(self) -> float:
        """Share (0 to 1) of the watched time of the last 24 hours; 0 while nothing was watched."""
        watched_s = sum(hour.watched_s for hour in self.hours)
        return min(1.0, self.untrusted_s / watched_s) if watched_s > 0 else 0.0


def watch(
    health: PictureHealth, measures: PictureMeasures | None, now: float, settings: PictureSettings
) -> PictureHealth:
    """Takes one look at the monotonic second `now`; about one a second, never earlier than the last.

    `measures` of a frame that is new since the last look, None where there is none: that time is not trusted either, and
    begins or ends no trouble.
    """
    if measures is None:
        return _counted(health, now, settings, trusted=False)
    seen = _seen(health, measures, settings)
    told = {one: answer for one, answer in seen.items() if one not in settings.ignored}
    held = {one: _held(health.held[one], told.get(one), now, one, settings) for one in PictureTrouble}
    # Moved pictures may be learned from: the reference view itself never changes once it is known.
    spoilt = any(seen.get(one) for one in PictureTrouble if one is not PictureTrouble.MOVED)
    after = replace(
        health,
        held=MappingProxyType(held),
        learned=health.learned if spoilt else learn(health.learned, measures),
        fingerprint=measures.fingerprint,
    )
    return _counted(after, now, settings, trusted=not after.troubles)


def learn_anew(health: PictureHealth) -> PictureHealth:
    """Forgets what is usual, and the troubles that were told by it; the share of the day stays."""
    by_what_is_usual = dict.fromkeys((PictureTrouble.MOVED, PictureTrouble.UNSHARP), Held())
    held = MappingProxyType({**health.held, **by_what_is_usual})
    return replace(health, learned=Learned(), held=held)


def _seen(
    health: PictureHealth, measures: PictureMeasures, settings: PictureSettings
) -> dict[PictureTrouble, bool | None]:
    """Which troubles this picture shows; what cannot be told from it is None."""
    glare = measures.burnt >= settings.burnt
    blinded = measures.flat >= settings.flat and not glare
    dark = measures.black >= settings.black and not blinded
    seen: dict[PictureTrouble, bool | None] = {
        PictureTrouble.BLINDED: blinded,
        PictureTrouble.DARK: dark,
        PictureTrouble.GLARE: glare,
        PictureTrouble.FROZEN: measures.fingerprint == health.fingerprint,
    }
    if glare or blinded or dark:
        return seen
    shift = shift_px(health.learned)
    moved = None if shift is None else shift >= settings.moved_px
    # elsewhere the patches show other things than those whose sharpness is known
    soft = None if moved else blurred(health.learned, measures, settings.softer)
    seen[PictureTrouble.MOVED] = moved
    seen[PictureTrouble.UNSHARP] = None if soft is None else soft >= settings.soft_patches
    return seen


def _held(
    held: Held, seen: bool | None, now: float, trouble: PictureTrouble, settings: PictureSettings
) -> Held:
    if seen is None:
        return held
    hold_s = settings.ends_after_s if held.troubled else settings.begins_after_s[trouble]
    at_once, after_hold = STEPS[held.phase, seen]
    phase = after_hold if now - held.since >= hold_s else at_once
    return held if phase is held.phase else Held(phase, now)


def _counted(health: PictureHealth, now: float, settings: PictureSettings, *, trusted: bool) -> PictureHealth:
    """Counts the time since the last look."""
    before = now if health.looked_at is None else health.looked_at
    passed_s = min(max(0.0, now - before), settings.most_gap_s)
    number = int(now // 3600)
    last = health.hours[-1] if health.hours and health.hours[-1].number == number else Hour(number)
    last = Hour(number, last.watched_s + passed_s, last.untrusted_s + (0.0 if trusted else passed_s))
    earlier = tuple(hour for hour in health.hours if number - HOURS < hour.number < number)
    return replace(health, looked_at=now, hours=(*earlier, last))
