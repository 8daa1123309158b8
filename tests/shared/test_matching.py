"""Which vehicles a read can mean: only an exact and unambiguous match has one chosen."""

from collections.abc import Callable, Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import plates
from shared.codes import Country, Ground
from shared.matching import ActiveVehicle, Match, Outcome, Role, match


class Active:
    """Active vehicles with these plates, a declaration each, in the order given."""

    def __init__(self, *declared: str, country: Country | None = None) -> None:
        self._vehicles = [
            ActiveVehicle(f"20261123{number:05}", "v1", plate, "CKHN", country)
            for number, plate in enumerate(declared)
        ]

    @classmethod
    def of(cls, *vehicles: ActiveVehicle) -> "Active":
        """These very vehicles."""
        made = cls()
        made._vehicles = list(vehicles)
        return made

    def with_keys(self, keys: Iterable[str]) -> Sequence[ActiveVehicle]:
        wanted = set(keys)
        return [one for one in self._vehicles if one.key in wanted]


def meant(found: Match) -> list[str]:
    return [one.plate for one in found.candidates]


def test_an_exact_read_of_one_vehicle_is_chosen() -> None:
    found = match("12C12345", Active("12C12345", "29H99999"))
    assert found.outcome is Outcome.EXACT
    assert found.chosen is not None
    assert found.chosen.plate == "12C12345"


@pytest.mark.parametrize("declared", ["12C-123.45", " 12c12345\t", "１２Ｃ１２３４５"])
def test_dirt_in_the_declaration_does_not_matter(declared: str) -> None:
    assert match("12C12345", Active(declared)).outcome is Outcome.EXACT


def test_a_read_one_confusion_away_is_offered_and_never_chosen() -> None:
    found = match("12C1234S", Active("12C12345"))
    assert (found.outcome, found.chosen, meant(found)) == (Outcome.NEAR, None, ["12C12345"])


def test_a_read_that_differs_otherwise_matches_nothing() -> None:
    assert match("12C12346", Active("12C12345")).outcome is Outcome.NONE
    assert match("12C1Z3AS", Active("12C12345")).outcome is Outcome.NONE, "two confusions are too many"
    assert match("12C1234", Active("12C12345")).outcome is Outcome.NONE


def test_an_exact_read_beside_a_near_one_is_not_chosen_between() -> None:
    found = match("12C12345", Active("12C12345", "12C1234S"))
    assert (found.outcome, found.chosen) == (Outcome.AMBIGUOUS, None)
    assert meant(found) == ["12C12345", "12C1234S"], "the exact one first"


def test_an_officers_word_settles_look_alikes_and_nothing_else() -> None:
    assert match("12C12345", Active("12C12345", "12C1234S"), certain=True).chosen is not None
    assert match("12C12345", Active("12C1234S"), certain=True).outcome is Outcome.NEAR
    assert match("12C12345", Active("12C12345", "12C12345"), certain=True).outcome is Outcome.AMBIGUOUS
    assert match("粤FF0123", Active("桂FF0123"), certain=True).chosen is None


def test_two_near_ones_are_not_chosen_between() -> None:
    found = match("12C1234B", Active("12C12348", "12G1234B"))
    assert (found.outcome, found.chosen) == (Outcome.AMBIGUOUS, None)


def test_several_declarations_of_one_plate_are_not_chosen_between() -> None:
    found = match("12C12345", Active("12C12345", "12C-12345"))
    assert (found.outcome, found.chosen) == (Outcome.AMBIGUOUS, None)
    assert [one.declaration for one in found.candidates] == ["2026112300000", "2026112300001"]


def test_a_chinese_plate_matches_its_short_declared_form() -> None:
    found = match("桂F·F0123", Active("FF0123"))
    assert (found.outcome, meant(found)) == (Outcome.EXACT, ["FF0123"])
    without_chinese = match("FF0123", Active("桂FF0123"), ground=Ground.YELLOW)
    assert without_chinese.outcome is Outcome.EXACT, "a reader without Chinese can match"


def test_another_province_character_is_never_automatic() -> None:
    found = match("粤FF0123", Active("桂FF0123"))
    assert (found.outcome, found.chosen, meant(found)) == (Outcome.NEAR, None, ["桂FF0123"])


def test_the_right_province_beside_a_wrong_one_is_not_chosen_between() -> None:
    found = match("桂FF0123", Active("粤FF0123", "桂FF0123"))
    assert found.outcome is Outcome.AMBIGUOUS
    assert meant(found) == ["桂FF0123", "粤FF0123"]


@pytest.mark.parametrize("text", ["", "·-.", "桂", "未知"])
def test_a_read_of_nothing_matches_nothing(text: str) -> None:
    assert match(text, Active("12C12345", "", "--")) == Match(Outcome.NONE)


@given(
    st.lists(st.text("5S8B0D", min_size=4, max_size=4), max_size=6), st.text("5S8B0D", min_size=4, max_size=4)
)
def test_a_vehicle_is_chosen_only_when_no_other_could_be_meant(declared: list[str], read: str) -> None:
    found = match(read, Active(*declared))
    possible = [one for one in declared if one == read or plates.one_confusion_apart(one, read)]
    assert sorted(meant(found)) == sorted(possible)
    assert (found.chosen is not None) == (possible == [read])


# -- the grammars of both countries (border facts, D1 and D2)

DECLARED_AND_READ = [
    ("12C12345", Country.VN, "12C-123.45"),
    ("12C1234", Country.VN, "12C1234"),
    ("29LD12345", Country.VN, "29LD12345"),
    ("12TD12345", Country.VN, "12TĐ12345"),
    ("T1212345", Country.VN, "T12 123.45"),
    ("80441NG45", Country.VN, "80-441-NG-45"),
    ("F01234", Country.CN, "桂F01234"),
    ("A4K9X1", Country.CN, "桂A4K9X1"),
    ("\tAD12345 ", Country.CN, "桂AD12345"),
    ("Ａ１２３４５Ｄ", Country.CN, "桂A12345D"),
    ("粤Z1234港", Country.CN, "粤Z1234港"),
    ("A1234学", Country.CN, "桂A1234学"),
]
"""What a declarant typed, the country she gave, and what stands on the plate."""


@pytest.mark.parametrize(("declared", "country", "read"), DECLARED_AND_READ)
def test_every_kind_of_plate_matches_what_was_declared_of_it(
    declared: str, country: Country, read: str
) -> None:
    found = match(read, Active(declared, country=country))
    assert (found.outcome, found.role) == (Outcome.EXACT, Role.TRACTOR)


@pytest.mark.parametrize(("declared", "country", "read"), DECLARED_AND_READ)
def test_a_vehicle_declared_of_the_other_country_is_never_taken_by_itself(
    declared: str, country: Country, read: str
) -> None:
    other = next(one for one in Country if one is not country)
    found = match(read, Active(declared, country=other))
    assert (found.outcome, found.chosen) == (Outcome.NEAR, None), "offered: perhaps only the country is wrong"
    assert match(read, Active(declared, country=other), certain=True).chosen is not None


def test_what_follows_no_grammar_is_of_the_country_that_the_reader_says() -> None:
    assert match("XX99", Active("XX99", country=Country.CN), country=Country.CN).chosen is not None
    assert match("XX99", Active("XX99", country=Country.CN), country=Country.VN).chosen is None


# -- army plates and short Chinese forms: one shape, told by the ground

ARMY_SHAPES = ["AB1234", "FF0123"]
SHORT_COLOURS = [Ground.YELLOW, Ground.BLUE, Ground.GREEN]
NO_COLOUR = [None, Ground.WHITE, Ground.BLACK]


@pytest.mark.parametrize("text", ARMY_SHAPES)
@pytest.mark.parametrize("ground", Ground)
def test_the_colour_decides_between_the_army_and_a_short_chinese_plate(text: str, ground: Ground) -> None:
    army = match(text, Active(text, country=Country.VN), ground=ground).outcome
    chinese = match(text, Active(text, country=Country.CN), ground=ground).outcome
    expected = {
        Ground.RED: (Outcome.EXACT, Outcome.NONE),
        Ground.WHITE: (Outcome.NEAR, Outcome.NEAR),
        Ground.BLACK: (Outcome.NEAR, Outcome.NEAR),
    }
    assert (army, chinese) == expected.get(ground, (Outcome.NONE, Outcome.EXACT))


@pytest.mark.parametrize("country", [None, *Country])
@pytest.mark.parametrize("ground", NO_COLOUR)
def test_without_a_colour_that_shape_is_offered_whatever_country_a_reader_guesses(
    country: Country | None, ground: Ground | None
) -> None:
    found = match("AB1234", Active("AB1234", country=Country.CN), country=country, ground=ground)
    assert (found.outcome, found.chosen) == (Outcome.NEAR, None)


def test_two_vehicles_of_that_shape_and_one_plate_are_told_apart_by_colour_and_by_nothing_else() -> None:
    both = Active.of(
        ActiveVehicle("2026112300001", "v1", "AB1234", "CKHN", Country.VN),
        ActiveVehicle("2026112300002", "v1", "AB1234", "CKHN", Country.CN),
    )
    chosen = {ground: match("AB1234", both, ground=ground).chosen for ground in (Ground.RED, Ground.YELLOW)}
    assert [one and one.country for one in chosen.values()] == [Country.VN, Country.CN]
    assert match("AB1234", both).outcome is Outcome.AMBIGUOUS
    assert match("AB1234", both, certain=True, fits=lambda one: one.country is Country.CN).chosen is None


@pytest.mark.parametrize("ground", SHORT_COLOURS)
def test_a_similar_army_plate_is_not_offered_for_a_read_on_a_chinese_ground(ground: Ground) -> None:
    assert match("A81234", Active("AB1234", country=Country.VN), ground=ground).outcome is Outcome.NONE
    assert match("A81234", Active("AB1234", country=Country.CN), ground=ground).outcome is Outcome.NEAR
    assert match("A81234", Active("AB1234", country=Country.CN), ground=Ground.RED).outcome is Outcome.NONE


def test_a_plate_with_a_province_character_is_chinese_on_every_ground() -> None:
    for ground in (None, *Ground):
        assert match("桂AB1234", Active("AB1234", country=Country.CN), ground=ground).chosen is not None
        assert match("桂AB1234", Active("AB1234", country=Country.VN), ground=ground).outcome is Outcome.NONE


def test_a_colour_says_nothing_of_any_other_plate() -> None:
    for ground in Ground:
        assert match("12C12345", Active("12C12345", country=Country.VN), ground=ground).chosen is not None
        assert match("F01234", Active("F01234", country=Country.CN), ground=ground).chosen is not None


# -- trailers


@pytest.mark.parametrize(
    ("read", "declared"),
    [
        ("98R03688", "98R-036.88"),
        ("34RM00121", "34RM00121"),
        ("桂F1234挂", "F1234挂"),
        ("F1234挂", "桂F1234挂"),
    ],
)
def test_a_trailers_plate_is_matched_with_trailers_and_never_with_tractors(read: str, declared: str) -> None:
    found = match(read, Active(declared), trailers=Active(declared))
    assert (found.outcome, found.role, meant(found)) == (Outcome.EXACT, Role.TRAILER, [declared])
    assert match(read, Active(declared), trailers=Active()).outcome is Outcome.NONE
    assert match(read, Active(declared)).outcome is Outcome.NONE


def test_a_similar_trailer_is_offered_and_never_chosen() -> None:
    found = match("98R0368B", Active(), trailers=Active("98R03688"))
    assert found.outcome is Outcome.NONE, "it follows no grammar of trailers"
    found = match("98R03688", Active(), trailers=Active("98R0368B"))
    assert (found.outcome, found.role, found.chosen) == (Outcome.NEAR, Role.TRAILER, None)


def test_any_text_that_is_a_declared_trailers_is_a_trailer() -> None:
    found = match("29C99999", Active("12C12345"), trailers=Active("29C99999"))
    assert (found.outcome, found.role) == (Outcome.EXACT, Role.TRAILER)


def test_a_tractor_whose_plate_was_typed_as_its_trailers_too_is_a_tractor() -> None:
    found = match("12C12345", Active("12C12345"), trailers=Active("12C12345"))
    assert (found.outcome, found.role) == (Outcome.EXACT, Role.TRACTOR)


# -- one vehicle in several declarations


def chosen_no(found: Match) -> str | None:
    return found.chosen.declaration if found.chosen else None


def fits_only(*nos: str) -> Callable[[ActiveVehicle], bool]:
    return lambda one: one.declaration in nos


FIRST, SECOND = "2026112300000", "2026112300001"


def test_of_several_declarations_of_one_vehicle_the_one_that_fits_is_meant() -> None:
    twice = Active("12C12345", "12C-123.45", country=Country.VN)
    found = match("12C12345", twice, fits=fits_only(SECOND))
    assert (found.outcome, chosen_no(found)) == (Outcome.EXACT, SECOND)
    assert [one.declaration for one in found.candidates] == [SECOND, FIRST]


@pytest.mark.parametrize("fitting", [(), (FIRST, SECOND)])
def test_when_none_or_more_than_one_fits_nothing_is_chosen(fitting: tuple[str, ...]) -> None:
    found = match("12C12345", Active("12C12345", "12C12345"), fits=fits_only(*fitting))
    assert (found.outcome, found.chosen) == (Outcome.AMBIGUOUS, None)


def test_a_look_alike_makes_it_doubtful_even_where_one_fits() -> None:
    found = match("12C12345", Active("12C12345", "12C12345", "12C1234S"), fits=fits_only(FIRST))
    assert (found.outcome, found.chosen) == (Outcome.AMBIGUOUS, None)


def test_a_look_alike_is_never_chosen_because_it_fits() -> None:
    assert match("12C12345", Active("12C1234S"), fits=fits_only(FIRST)).chosen is None
    assert match("12C12345", Active("12C12345", "12C1234S"), fits=fits_only(SECOND)).chosen is None


def test_a_single_declaration_is_meant_whether_it_fits_or_not() -> None:
    assert match("12C12345", Active("12C12345"), fits=fits_only()).chosen is not None


def test_plates_of_two_provinces_under_one_key_are_two_vehicles() -> None:
    found = match("F01234", Active("桂F01234", "粤F01234"), fits=fits_only(FIRST))
    assert (found.outcome, found.chosen) == (Outcome.AMBIGUOUS, None)


# -- whatever is declared

PLATES = st.sampled_from(
    [
        "12C12345",
        "12C1234S",
        "12G12345",
        "1ZC12345",
        "AB1234",
        "A81234",
        "桂AB1234",
        "FF0123",
        "98R03688",
        "98R03G88",
    ]
)
VEHICLES = st.lists(
    st.builds(
        ActiveVehicle,
        st.integers(1, 4).map(lambda number: f"202611230000{number}"),
        st.sampled_from(["v1", "v2"]),
        PLATES,
        st.just("CKHN"),
        st.sampled_from([None, *Country]),
    ),
    max_size=5,
    unique=True,
)
COLOURS = st.sampled_from([None, *Ground])


@given(VEHICLES, VEHICLES, PLATES, COLOURS, st.booleans(), st.booleans())
def test_a_near_match_is_never_chosen(
    tractors: list[ActiveVehicle],
    trailers: list[ActiveVehicle],
    read: str,
    ground: Ground | None,
    certain: bool,
    fitting: bool,
) -> None:
    found = match(
        read,
        Active.of(*tractors),
        trailers=Active.of(*trailers),
        ground=ground,
        certain=certain,
        fits=lambda _: fitting,
    )
    assert found.chosen is None or found.chosen.key == plates.key(read)


@given(VEHICLES, PLATES, COLOURS)
def test_two_vehicles_within_one_confusion_are_never_chosen_between_whatever_their_order(
    vehicles: list[ActiveVehicle], read: str, ground: Ground | None
) -> None:
    found = match(read, Active.of(*vehicles), ground=ground, fits=lambda one: one.vehicle == "v1")
    assert found == match(
        read, Active.of(*reversed(vehicles)), ground=ground, fits=lambda one: one.vehicle == "v1"
    )
    similar = [one for one in found.candidates if plates.one_confusion_apart(one.key, plates.key(read))]
    assert found.chosen is None or not similar


@given(PLATES, PLATES)
def test_a_read_and_a_declared_plate_are_as_near_the_other_way_round(one: str, other: str) -> None:
    near = match(one, Active(other), trailers=Active(other)).outcome is Outcome.NONE
    assert near == (match(other, Active(one), trailers=Active(one)).outcome is Outcome.NONE)
