"""Server-sent events: one when something has changed, one a second as a heartbeat. The browser fetches what changed."""

from collections.abc import AsyncIterator

from edge.screen.ports import Changes

HEARTBEAT_S = 1.0
"""The page calls the daemon silent when two of these have passed without a word."""


async def events(changes: Changes, last_seen: str | None) -> AsyncIterator[str]:
    """Events for as long as the gate runs. `last_seen`: the browser's Last-Event-ID.

    Whoever comes back having missed something hears it at once. The number is the event's id. It starts again with the
    daemon, so any other number than ours counts as missed.
    """
    number = changes.number
    yield "retry: 500\n\n"
    yield _event("change" if last_seen != str(number) else "beat", number)
    while not changes.closed:
        before, number = number, await changes.wait(number, HEARTBEAT_S)
        yield _event("change" if number != before else "beat", number)


def _event(name: str, number: int) -> str:
    return f"event: {name}\nid: {number}\ndata: {number}\n\n"
