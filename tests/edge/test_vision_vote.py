"""The vote: one read for each plate of a passage, final only when looks agree and it is probable enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.vision.calibration import UNCALIBRATED, Calibration
from edge.vision.port import LookKind, PlateLook
from edge.vision.vote import Read, Track, VoteSettings, follow, reads, settings_for, vote
from shared.codes import Country, Ground
from tests.edge.looks import plate_look

SETTINGS = VoteSettings()


def passage(*frames: tuple[PlateLook, ...], every_s: float = 0.2) -> tuple[Read, ...]:
    tracks: tuple[Track, ...] = ()
    for number, looks in enumerate(frames, start=1):
        tracks = follow(tracks, looks, number * every_s, number, SETTINGS)
    return reads(tracks, SETTINGS)


def test_one_look_is_never_final_however_sure() -> None:
    (read,) = passage((plate_look("29C12345", 0.999),))
    assert (read.text, read.final) == ("29C12345", False)


def test_two_looks_that_agree_are_final() -> None:
    (read,) = passage((plate_look("29C12345"),), (plate_look("29C12345"),))
    assert (read.looks, read.agreeing, read.final) == (2, 2, True)


def test_looks_that_disagree_stay_open_with_both_candidates() -> None:
    (read,) = passage((plate_look("29C12345", 0.6),), (plate_look("29C12845", 0.6),))
    assert not read.final
    assert {c.text for c in read.candidates[:2]} == {"29C12345", "29C12845"}


def test_the_majority_outvotes_a_slip_and_the_slip_stays_a_candidate() -> None:
    right = plate_look("29C12345")
    (read,) = passage((right,), (plate_look("29C12845", 0.5),), *[(right,)] * 5)
    assert (read.text, read.agreeing, read.looks, read.final) == ("29C12345", 6, 7, True)
    assert "29C12845" in {c.text for c in read.candidates}


def test_a_look_alike_that_every_frame_finds_half_likely_is_not_final() -> None:
    torn = plate_look("29C12345", 0.5, other={5: ("8", 0.45)})
    (read,) = passage(*[(torn,)] * 6)
    assert not read.final
    assert read.candidates[1].text == "29C12845"


def test_a_plate_that_no_single_look_spells_is_found_in_the_evidence_of_all() -> None:
    one = plate_look("29C12845", 0.5, other={5: ("3", 0.45)})
    two = plate_look("29C12375", 0.5, other={6: ("4", 0.45)})
    (read,) = passage((one,), (two,))
    assert (read.text, read.agreeing, read.final) == ("29C12345", 0, False)


def test_the_evidence_of_all_is_a_plate_or_it_is_nobodys() -> None:
    one = plate_look("29C12345", 0.5, other={2: ("8", 0.49)})
    two = plate_look("29C12345", 0.5, other={2: ("8", 0.49)})
    (read,) = passage((one,), (two,))
    assert [candidate.text for candidate in read.candidates] == ["29C12345"]


def test_a_small_plate_weighs_less_than_a_large_one() -> None:
    (read,) = passage(
        (plate_look("29C12845", 0.8, row_height_px=6),), (plate_look("29C12345", 0.8, row_height_px=30),)
    )
    assert read.text == "29C12345"


def test_a_look_without_the_province_character_supports_the_whole_plate() -> None:
    (read,) = passage((plate_look("F12345"),), (plate_look("桂F12345"),), (plate_look("桂F12345"),))
    assert (read.text, read.looks, read.agreeing, read.final) == ("桂F12345", 3, 2, True)


def test_the_best_frame_shows_what_was_read() -> None:
    (read,) = passage(
        (plate_look("29C12345", 0.7),), (plate_look("29C12345", 0.9),), (plate_look("29C12845", 0.7),)
    )
    assert read.best_frame == 2
    assert read.best.look.text == read.text


def test_a_truck_that_stands_for_long_is_one_read_and_no_surer_for_it() -> None:
    short = passage(*[(plate_look("29C12345", 0.8),)] * 10)
    long = passage(*[(plate_look("29C12345", 0.8),)] * 200)
    assert len(long) == 1
    assert long[0].probability == pytest.approx(short[0].probability, abs=0.01)


def test_a_track_stays_bounded_and_keeps_its_first_and_its_last_look() -> None:
    tracks: tuple[Track, ...] = ()
    for number in range(200):
        tracks = follow(tracks, (plate_look("29C12345"),), number * 0.2, number, SETTINGS)
    sightings = tracks[0].sightings
    assert len(sightings) == SETTINGS.most_looks
    assert (sightings[0].frame, sightings[-1].frame) == (0, 199)


def test_a_second_plate_is_its_own_read() -> None:
    frame = (plate_look("29C12345"), plate_look("34RM00121", x=420, y=420))
    assert {read.text for read in passage(frame, frame)} == {"29C12345", "34RM00121"}


def test_a_painted_number_is_not_mixed_with_the_plate() -> None:
    frame = (plate_look("粤AX483挂", lines=2), plate_look("粤AX483挂", y=200, kind=LookKind.PAINTED))
    assert {read.kind for read in passage(frame, frame)} == set(LookKind)


def test_a_plate_lost_from_sight_and_seen_again_is_still_one_read() -> None:
    tracks: tuple[Track, ...] = ()
    for at_s in (0.0, 0.2, 20.0, 20.2):
        tracks = follow(tracks, (plate_look("29C12345"),), at_s, round(at_s * 10), SETTINGS)
    assert [track.number for track in tracks] == [1, 2]
    (read,) = reads(tracks, SETTINGS)
    assert (read.looks, read.first_at_s, read.last_at_s) == (4, 0.0, 20.2)


def test_a_misread_plate_that_moved_on_is_followed_by_its_place() -> None:
    tracks = follow((), (plate_look("29C12345", x=400),), 0.0, 1, SETTINGS)
    tracks = follow(tracks, (plate_look("29C12845", x=500),), 0.2, 2, SETTINGS)
    assert len(tracks) == 1


def test_another_plate_at_the_same_place_is_another_track() -> None:
    tracks = follow((), (plate_look("29C12345"),), 0.0, 1, SETTINGS)
    tracks = follow(tracks, (plate_look("98H67890"),), 0.2, 2, SETTINGS)
    assert len(tracks) == 2


def test_following_leaves_the_earlier_tracks_as_they_were() -> None:
    earlier = follow((), (plate_look("29C12345"),), 0.0, 1, SETTINGS)
    follow(earlier, (plate_look("29C12345"),), 0.2, 2, SETTINGS)
    assert len(earlier[0].sightings) == 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["29C12345", "29C12845", "桂F12345", "F12345"]), st.floats(0.1, 1.0)),
        min_size=1,
        max_size=8,
    )
)
def test_probabilities_are_ordered_and_never_sum_to_more_than_one(seen: list[tuple[str, float]]) -> None:
    tracks: tuple[Track, ...] = ()
    for number, (text, probability) in enumerate(seen):
        tracks = follow(tracks, (plate_look(text, probability),), number * 0.1, number, SETTINGS)
    for track in tracks:
        shares = [c.probability for c in vote(track, SETTINGS).candidates]
        assert shares == sorted(shares, reverse=True)
        assert sum(shares) <= 1.001


@pytest.mark.parametrize(("least", "final"), [(0.9, True), (0.9999, False)])
def test_a_read_is_final_from_the_least_probability_on(least: float, final: bool) -> None:
    tracks: tuple[Track, ...] = ()
    for number in (1, 2):
        tracks = follow(tracks, (plate_look("29C12345"),), number * 0.2, number, SETTINGS)
    assert vote(tracks[0], VoteSettings(least_probability=least)).final is final


@pytest.mark.parametrize(
    ("active", "least"), [(0, 0.9), (100, 0.9), (1_000, 0.9), (5_000, 0.98), (20_000, 0.995)]
)
def test_the_more_vehicles_are_under_way_the_surer_a_read_must_be(active: int, least: float) -> None:
    assert settings_for(active).least_probability == pytest.approx(least)


def test_what_is_given_out_is_calibrated_and_the_candidates_keep_their_order() -> None:
    look = plate_look("29C12345", 0.6, other={5: ("8", 0.3)})
    tracks = follow((), (look,), 0.0, 1, SETTINGS)
    raw = vote(tracks[0], VoteSettings(calibration=UNCALIBRATED)).candidates
    low = Calibration(constant=-5.0, odds=1.0, most=0.9)
    told = vote(tracks[0], VoteSettings(calibration=low)).candidates
    assert [c.text for c in told] == [c.text for c in raw]
    assert told[0].probability == pytest.approx(low.probability(raw[0].probability), abs=1e-4)
    assert told[0].probability >= told[1].probability


Y, B, R, W, K = Ground.YELLOW, Ground.BLUE, Ground.RED, Ground.WHITE, Ground.BLACK


@pytest.mark.parametrize(
    ("seen", "ground"),
    [
        ([Y, Y, Y], Y),
        ([Y, R, Y], Y),
        ([W, K, Y], Y),
        ([W, W, W], W),
        ([Y, R], None),
        ([W, Y, R, B], None),
        ([W, K], None),
    ],
)
def test_the_ground_is_the_colour_that_most_looks_saw(seen: list[Ground], ground: Ground | None) -> None:
    (read,) = passage(*((plate_look("FF0123", ground=one),) for one in seen))
    assert read.ground is ground


def test_a_look_at_another_text_says_nothing_of_the_ground() -> None:
    right = plate_look("FF0123", ground=Y)
    (read,) = passage((right,), (right,), (plate_look("FF0128", 0.5, ground=R),))
    assert (read.text, read.ground) == ("FF0123", Y)


@pytest.mark.parametrize(("ground", "country"), [(Y, Country.CN), (R, Country.VN)])
def test_the_ground_tells_the_country_of_a_shape_that_two_countries_have(
    ground: Ground, country: Country
) -> None:
    look = plate_look("FF0123", ground=ground)
    (read,) = passage((look,), (look,))
    assert read.country is country
