"""What can go wrong between this PC and a barrier. Nothing of a lower library leaks past these.

BarrierError
├── BarrierMisconfigured      the settings can never work
│   └── BoardProfileError     a board profile cannot be used
├── CloseNotWired             asked to close a boom that only its own controller closes
├── BarrierUnreachable        no connection, or it was cut
├── BarrierTimeout            connected, but no answer in time
├── BarrierRefused            the board or gateway answered with an exception code
├── BarrierReplyMismatch      an answer came, but not to what was asked
└── RelayLeftOn               a pulse that this PC times could not be ended
"""

from pathlib import Path


class BarrierError(Exception):
    """Root of all barrier errors; the text says which barrier, where, and what to do.

    `outcome_unknown` is True when a command left this PC and no proper answer came back: the boom may
    move all the same. Read the inputs; never send the command again by itself.
    """

    def __init__(self, message: str, *, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.outcome_unknown = outcome_unknown


class BarrierMisconfigured(BarrierError):
    """The settings of a barrier can never work; found before anything is sent."""


class BoardProfileError(BarrierMisconfigured):
    """A board profile cannot be used: `file: key: what is wrong; what to write`."""

    def __init__(self, file: Path, key: str, message: str) -> None:
        super().__init__(f"{file}: {key}: {message}")
        self.file = file
        self.key = key


class CloseNotWired(BarrierError):
    """This barrier has no relay for *close*: its own controller or a hold-to-run button closes it."""


class BarrierUnreachable(BarrierError):
    """There is no connection to the board, or it was cut during an exchange."""


class BarrierTimeout(BarrierError):
    """The board is connected and did not answer in time."""


class BarrierRefused(BarrierError):
    """The board or its gateway answered with a Modbus exception code; the command was not carried out."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class BarrierReplyMismatch(BarrierError):
    """An answer came that does not belong to the question: another unit, function, register or length."""


class RelayLeftOn(BarrierError):
    """A relay was switched on for a pulse and could not be switched off; it is, when the board is back."""

    def __init__(self, message: str) -> None:
        super().__init__(message, outcome_unknown=True)
