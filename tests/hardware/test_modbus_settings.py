"""Settings that could move the wrong relay, or hold one, are refused before anything is sent."""

from dataclasses import replace

import pytest

from hardware.errors import BarrierMisconfigured
from hardware.modbus import BarrierSettings, Contact, InputWiring, ModbusTcpBarrier

GOOD = BarrierSettings(name="barrier-1/lane-1", host="gateway.example", open_relay=1, close_relay=2)


def test_good_settings_need_no_board_to_be_checked():
    ModbusTcpBarrier(GOOD)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"relay_board": "generic-inputs"}, "relay_board: generic-inputs has no relays"),
        ({"relay_board": "generic-coils"}, "relay_board: generic-coils cannot time its own pulse"),
        ({"open_relay": 9}, "open_relay: 9 is not on eletechsup-r421a08; write 1 to 8"),
        ({"open_relay": 0}, "open_relay: 0 is not on"),
        ({"close_relay": 1}, "close_relay: is the relay of"),
        (
            {"input_board": "generic-coils", "inputs": InputWiring(boom_open=Contact(1))},
            "input_board: generic-coils has no inputs",
        ),
        ({"inputs": InputWiring(boom_open=Contact(65))}, "inputs.boom_open: 65 is not 1 to 64"),
        (
            {"inputs": InputWiring(boom_open=Contact(3), boom_closed=Contact(3))},
            "inputs.boom_closed: input 3 is boom_open's",
        ),
    ],
)
def test_a_wrong_setting_is_named_by_barrier_and_key(change, message):
    with pytest.raises(BarrierMisconfigured) as raised:
        ModbusTcpBarrier(replace(GOOD, **change))
    assert str(raised.value).startswith(f"barrier-1/lane-1: {message}")


def test_a_board_that_holds_its_contact_may_open_an_edge_triggered_boom():
    ModbusTcpBarrier(replace(GOOD, relay_board="generic-coils", open_is_edge_triggered=True))
