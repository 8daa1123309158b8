"""Board profiles are data that is checked when read, and says where the mistake is."""

import pytest

from hardware.errors import BarrierMisconfigured, BoardProfileError
from hardware.profiles import BOARDS, RelayWrite, board_profile, read_profile


@pytest.mark.parametrize("file", sorted(BOARDS.glob("*.toml")), ids=lambda file: file.stem)
def test_every_shipped_profile_can_be_used(file):
    assert board_profile(file.stem).name == file.stem


def test_r421a08_pulses_by_register_and_times_it_itself():
    relays = board_profile("eletechsup-r421a08").relays
    assert relays.write is RelayWrite.REGISTER
    assert relays.board_times_pulse
    assert (relays.address(1), relays.pulse_value) == (1, 0x0500)  # 01 06 00 01 05 00


def test_generic_coils_count_from_0_on_the_wire_and_do_not_time_a_pulse():
    relays = board_profile("generic-coils").relays
    assert relays.address(1) == 0
    assert not relays.board_times_pulse


def test_an_unknown_board_is_answered_with_those_there_are():
    with pytest.raises(BarrierMisconfigured, match=r"'r421'.*eletechsup-r421a08.*generic-coils"):
        board_profile("r421")


COILS = (BOARDS / "generic-coils.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("title =", "titel =", "title"),
        ('tried_on = "emulator"', 'tried_on = "hope"', "tried_on"),
        ("board_times_pulse = false", "board_times_pulse = false\nspeed = 3", "relays.speed"),
        ("board_times_pulse = false", "board_times_pulse = true", "relays.board_times_pulse"),
        ("board_times_pulse = false", 'board_times_pulse = "no"', "relays.board_times_pulse"),
        ("value = 32", "value = 0", "relays.count.value"),
        ("value = 32", "value = true", "relays.count.value"),
        ("value = 0.5", "value = 0.5\nunit = 's'", "relays.pulse_s.unit"),
        ('source = "upper', 'origin = "upper', "relays.count.source"),
        ("[relays", "[relais", "relais"),
    ],
)
def test_a_mistake_is_named_by_file_and_key(tmp_path, old, new, key):
    file = tmp_path / "mine.toml"
    assert old in COILS
    file.write_text(COILS.replace(old, new), encoding="utf-8")
    with pytest.raises(BoardProfileError) as raised:
        read_profile(file)
    assert str(raised.value).startswith(f"{file}: {key}: ")


def test_a_file_that_is_not_toml_is_named(tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text("title = ", encoding="utf-8")
    with pytest.raises(BoardProfileError, match=r"mine\.toml: \(file\): cannot be read as TOML"):
        read_profile(file)
