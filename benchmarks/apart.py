"""Parts under test in processes of their own, as in reality; told what to do by lines of JSON over their standard input.

A part is a class of `benchmarks.nodes` or `benchmarks.bare`: made from its settings, `start` and `stop`, and methods that take
and give JSON. `python -m benchmarks.apart MODULE CLASS`.
"""

import asyncio
import contextlib
import importlib
import inspect
import json
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Protocol

import structlog

from benchmarks.figures import CannotRun

PATIENCE_S = 900.0


class Part(Protocol):
    """What runs in a process of its own."""

    async def start(self) -> None:
        """Begins; what has to be there before anything is asked is there when it returns."""
        ...

    async def stop(self) -> None:
        """Ends in good order."""
        ...


class Apart:
    """The other end of a part: `await part.ask("method", name=value)` gives what its method gave."""

    def __init__(self, process: asyncio.subprocess.Process, name: str) -> None:
        self._process = process
        self._name = name

    async def ask(self, method: str, **values: Any) -> Any:
        """Calls a method of the part; raises CannotRun when it fails there or takes too long."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([method, values]).encode() + b"\n")
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), PATIENCE_S)
        except TimeoutError as error:
            raise CannotRun(f"{self._name}: {method} took longer than {PATIENCE_S:.0f} s") from error
        answer = json.loads(line or '{"error": "its process ended"}')
        if "error" in answer:
            raise CannotRun(f"{self._name}: {method}: {answer['error']}")
        return answer["value"]


@contextlib.asynccontextmanager
async def apart(kind: type[Part], name: str, settings: dict[str, Any]) -> AsyncIterator[Apart]:
    """A part in a process of its own, started; stopped at the end of the block. Its log goes to `folder` of its settings."""
    with (Path(settings["folder"]) / f"{name}.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "benchmarks.apart", kind.__module__, kind.__name__,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=log,
        )  # fmt: skip
    part = Apart(process, name)
    try:
        await part.ask("start", **settings)
        yield part
        await part.ask("stop")
    finally:
        if process.returncode is None:
            assert process.stdin is not None
            process.stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), 10)
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _serve(kind: type[Any]) -> None:
    part: Any = None
    while line := await asyncio.to_thread(sys.stdin.readline):
        method, values = json.loads(line)
        try:
            if method == "start":
                part = kind(**values)
                values = {}
            value = getattr(part, method)(**values)
            answer = {"value": await value if inspect.isawaitable(value) else value}
        except Exception as error:
            answer = {"error": repr(error)}
        print(json.dumps(answer), flush=True)


def main() -> None:
    """See the module."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    asyncio.run(_serve(getattr(importlib.import_module(sys.argv[1]), sys.argv[2])))


if __name__ == "__main__":
    main()
