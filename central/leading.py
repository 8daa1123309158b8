"""Which process speaks for the centre, where several work on one database: it alone publishes vectors and asks."""

from typing import Protocol


class Lead(Protocol):
    """The lead, held by one process at a time; when that one dies, another takes over."""

    def try_lead(self) -> bool:
        """Whether this process leads, taking the lead where it is free. To be asked every few seconds; raises nothing.

        It may wait for the network a few seconds: `await asyncio.to_thread(lead.try_lead)`.
        """
        ...

    def close(self) -> None:
        """Gives the lead up."""
        ...


class Alone:
    """The lead of the only process."""

    def try_lead(self) -> bool:
        """See Lead."""
        return True

    def close(self) -> None:
        """See Lead."""
