"""`barie-site`: a whole border site on this machine, to see, to try and to test.

Exit code 0 only if every truck ended as expected and the centre holds every fact of every gate; 2 when a part is missing.
"""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from simulation.cameras import CameraFarmError
from simulation.demo import Demo, run_demo
from simulation.errors import SiteError
from simulation.plate_drawing import DrawingError

app = typer.Typer(
    help="Simulates a border site with real parts: RTSP cameras, Modbus boards, a broker, four gates and the centre.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def main() -> None:
    """Simulates a border site."""


@app.command()
def demo(
    minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes from ready.")] = None,
    headless: Annotated[bool, typer.Option(help="Print little; for scripts.")] = False,
    officers: Annotated[
        str, typer.Option(help="auto: simulated officers press the buttons; manual: trucks wait for you.")
    ] = "manual",
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report there as JSON.")
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Photographs with labels (scenes.csv) instead of drawn trucks."),
    ] = None,
    directory: Annotated[
        Path, typer.Option(metavar="DIR", help="Run directory: configurations, stores, logs, run.json.")
    ] = Path("run/site"),
) -> None:
    """Bring up one border site and let trucks come until stopped."""
    if officers not in ("auto", "manual"):
        typer.echo("--officers: write auto or manual", err=True)
        raise typer.Exit(2)
    wanted = Demo(minutes, headless, officers == "auto", report, photos, directory.absolute())
    try:
        good = asyncio.run(run_demo(wanted))
    except (SiteError, CameraFarmError, DrawingError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    raise typer.Exit(0 if good else 1)


if __name__ == "__main__":
    app()
