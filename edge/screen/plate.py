"""A plate as it is drawn on the screen: its lines, its ground, and the characters that differ from another reading."""

from dataclasses import dataclass

from shared import plates
from shared.codes import Country, Ground
from shared.plates import Kind, PlateForm

_GROUNDS = {
    Kind.VN_TRAILER: Ground.WHITE,
    Kind.VN_FOREIGN: Ground.WHITE,
    Kind.VN_ARMY: Ground.RED,
    Kind.CN_POLICE: Ground.WHITE,
    Kind.CN_EMBASSY: Ground.BLACK,
    Kind.CN_CONSULATE: Ground.BLACK,
    Kind.CN_HONG_KONG_MACAO: Ground.BLACK,
    Kind.CN_NEW_ENERGY_SMALL: Ground.GREEN,
    Kind.CN_NEW_ENERGY_LARGE: Ground.GREEN,
    Kind.CN_SHORT_NEW_ENERGY: Ground.GREEN,
}
_USUAL_GROUND = (
    Ground.YELLOW
)  # trucks for hire (VN) and large trucks (CN); a read does not say the colour it saw
_CN_HEAD_LENGTH = {
    True: 2,
    False: 1,
}  # province character and authority letter; the letter alone in a short form


@dataclass(frozen=True)
class Mark:
    """One character; `differs` where two readings disagree, `separator` for the dot and dash that are no characters."""

    text: str
    differs: bool = False
    separator: bool = False


@dataclass(frozen=True)
class PlateDrawn:
    """A plate ready to draw."""

    country: Country
    ground: Ground
    lines: tuple[tuple[Mark, ...], ...]
    text: str


def draw(text: str, country: str | None = None, *, against: str | None = None, lines: int = 1) -> PlateDrawn:
    """Lays a plate out in `lines` 1 or 2, as its country does. `against`: another reading to mark the differences to."""
    plain = plates.normalise(text)
    form = plates.classify(plain)
    kind = form.kind if form else None
    if kind is Kind.VN_ARMY and country != Country.VN:  # one shape; the army makes no declarations
        form, kind = PlateForm(Kind.CN_SHORT), Kind.CN_SHORT
    origin = Country(country) if country else form.country if form else Country.VN
    marks = _marks(plain, against)
    cut = _cut(plain, origin, kind)
    head, tail = marks[:cut], marks[cut:]
    dot = _separated(tail, origin)
    if lines == 2 and head and tail:
        rows: tuple[tuple[Mark, ...], ...] = (head, dot)
    elif head and tail:
        between = "·" if origin is Country.CN else "-"
        rows = ((*head, Mark(between, separator=True), *dot),)
    else:
        rows = (marks,)
    ground = _GROUNDS.get(kind, _USUAL_GROUND) if kind else _USUAL_GROUND
    return PlateDrawn(origin, ground, rows, plain)


def _marks(plain: str, against: str | None) -> tuple[Mark, ...]:
    if against is None:
        return tuple(Mark(one) for one in plain)
    ours, theirs = plates.key(plain), plates.key(against)
    before = len(plain) - len(ours)
    places = plates.differing_positions(ours, theirs)
    differing = range(len(ours)) if places is None else places
    return tuple(Mark(one, at - before in differing) for at, one in enumerate(plain))


def _cut(plain: str, country: Country, kind: Kind | None) -> int:
    """Where the first line ends."""
    if country is Country.CN:
        return _CN_HEAD_LENGTH[plates.province(plain) is not None]
    if kind in (None, Kind.VN_FOREIGN):
        return 0
    digits_at_end = len(plain) - len(plain.rstrip("0123456789"))
    return len(plain) - min(digits_at_end, 5)


def _separated(tail: tuple[Mark, ...], country: Country) -> tuple[Mark, ...]:
    """Vietnam sets a dot before the last two of five digits."""
    if country is Country.VN and len(tail) == 5:
        return (*tail[:3], Mark(".", separator=True), *tail[3:])
    return tail
