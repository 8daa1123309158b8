"""How plates are drawn."""

import pytest

from edge.screen.plate import PlateDrawn, draw
from shared.codes import Country, Ground


def rows(drawn: PlateDrawn) -> list[str]:
    return ["".join(mark.text for mark in line) for line in drawn.lines]


def marked(drawn: PlateDrawn) -> str:
    return "".join(mark.text for line in drawn.lines for mark in line if mark.differs)


@pytest.mark.parametrize(
    ("text", "country", "lines", "drawn"),
    [
        ("29C12345", "VN", 2, ["29C", "123.45"]),
        ("29C12345", "VN", 1, ["29C-123.45"]),
        ("12C1234", "VN", 2, ["12C", "1234"]),
        ("98R03688", "VN", 2, ["98R", "036.88"]),
        ("桂FF0123", "CN", 1, ["桂F·F0123"]),
        ("桂FF0123", "CN", 2, ["桂F", "F0123"]),
        ("FF0123", "CN", 1, ["F·F0123"]),
        ("???", None, 1, [""]),
    ],
)
def test_a_plate_is_laid_out_as_its_country_does(
    text: str, country: str | None, lines: int, drawn: list[str]
) -> None:
    assert rows(draw(text, country, lines=lines)) == drawn


@pytest.mark.parametrize(
    ("text", "country", "ground"),
    [
        ("29C12345", "VN", Ground.YELLOW),
        ("29R04567", "VN", Ground.WHITE),
        ("桂FF0123", "CN", Ground.YELLOW),
        ("AB1234", "VN", Ground.RED),
        ("AB1234", "CN", Ground.YELLOW),
        ("AB1234", None, Ground.YELLOW),
    ],
)
def test_the_ground_follows_kind_and_country(text: str, country: str | None, ground: Ground) -> None:
    assert draw(text, country).ground is ground


def test_a_short_form_that_only_china_has_is_chinese() -> None:
    assert draw("FF0123").country is Country.CN


@pytest.mark.parametrize(
    ("declared", "read", "differing"),
    [
        ("29C12345", "29C12346", "5"),
        ("FF0023", "桂FF0D23", "0"),
        ("桂FF0123", "FF0128", "3"),
        ("29C12345", "29C12345", ""),
        ("29C1234", "29C12345", "29C1234"),
    ],
)
def test_only_characters_that_differ_are_marked(declared: str, read: str, differing: str) -> None:
    assert marked(draw(declared, against=read)) == differing
