"""`barie-edge`: the gate daemon and the tools a technician uses at the gate.

Exit codes: 0 good, 1 the thing asked about is not good, 2 wrong call or configuration.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any

import typer

from edge import journal_cli
from edge.configuration import GateConfiguration, load
from edge.explain import Question, answer, as_json, as_text
from edge.officers import make_verifier
from edge.vision.backends import ENVIRONMENT, Backend, ReaderSettings, open_reader
from shared.codes import Agency, Heading, Place, Verdict
from shared.configuration import BadConfiguration
from shared.node.agency_file import load_agency_names
from shared.node.errors import NodeError
from shared.signing import BadKey, PrivateKey
from shared.words import Language

app = typer.Typer(
    help="Runs one border gate: cameras, plate reading, barrier, officer's screen. Works with no network for weeks.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

app.add_typer(journal_cli.app, name="journal")

ConfigArgument = Annotated[Path, typer.Argument(metavar="CONFIG", help="The gate's TOML file.")]


@app.command()
def run(config: ConfigArgument) -> None:
    """Run the gate until it is told to stop (SIGTERM or Ctrl-C)."""
    from edge.daemon import run as run_gate

    configuration = _load(config, to_run=True)
    try:
        asyncio.run(run_gate(configuration))
    except (NodeError, BadKey, OSError, BadConfiguration) as error:
        raise _wrong(str(error)) from error


@app.command()
def check(config: ConfigArgument) -> None:
    """Check a configuration; prints nothing, or file:line: key: what is wrong; what to write."""
    configuration = _load(config)
    try:
        load_agency_names(configuration.agency_names)
    except BadConfiguration as error:
        raise _wrong(str(error)) from error


@app.command()
def read(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE…", help="Pictures, folders, clips or rtsp:// addresses.")
    ],
    as_lines: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    draw: Annotated[
        Path | None, typer.Option(metavar="OUT", help="Folder for pictures of what was seen, one a read.")
    ] = None,
    explained: Annotated[
        bool, typer.Option("--explain", help="Looks, votes, and what was rejected and why.")
    ] = False,
    backend: Annotated[Backend, typer.Option(help="What runs the networks.")] = Backend.OPENVINO,
    models: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The models; the shipped ones without.")
    ] = None,
    environment: Annotated[
        Path, typer.Option(metavar="FOLDER", help="PaddleOCR's, made by scripts/paddle.")
    ] = ENVIRONMENT,
) -> None:
    """Read the plates in pictures, folders, clips and streams."""
    from edge.vision.drawing import Drawings
    from edge.vision.opening import ReaderInWaiting
    from edge.vision.port import VisionError
    from edge.vision.sources import Extras, read_sources

    bad = False
    try:
        extras = Extras(Drawings(draw) if draw is not None else None, explained)
        settings = ReaderSettings(backend, models, environment)
        reader = ReaderInWaiting(lambda: open_reader(settings), open_reader(settings))
        for line in read_sources(sources, reader, extras=extras):
            bad = bad or "error" in line
            typer.echo(json.dumps(line, ensure_ascii=False) if as_lines else _read_as_text(line))
            reader.attempt()
    except VisionError as error:
        raise _wrong(str(error)) from error
    if bad:
        raise typer.Exit(1)


def _read_as_text(line: dict[str, Any]) -> str:
    from edge.vision.explaining import as_text

    texts = [f"{plate['text']} ({plate['confidence']:.2f})" for plate in line["plates"]]
    told = f"{line['source']}: {line.get('error') or ', '.join(texts) or 'no plate'}"
    return f"{told}\n{as_text(line['explain'])}" if line.get("explain") else told


@app.command()
def relearn(
    config: ConfigArgument,
    lane: Annotated[str, typer.Argument(metavar="LANE", help="The lane's name.")],
    camera: Annotated[str, typer.Argument(metavar="CAMERA", help="The camera's name.")],
) -> None:
    """Make the gate learn a camera's view anew, when it was turned on purpose; the gate may run meanwhile."""
    from edge.capture.picture_memory import memory_file

    configuration = _load(config)
    table = configuration.table
    known = [(one.name, camera.name) for one in table.lane for camera in one.camera]
    if (lane, camera) not in known:
        raise _wrong(f"no such camera; write one of {', '.join(' '.join(pair) for pair in known)}")
    file = memory_file(configuration.path(table.data), lane, camera)
    try:
        file.unlink()
    except FileNotFoundError as error:
        typer.echo("nothing was learned of this camera yet", err=True)
        raise typer.Exit(1) from error
    except OSError as error:
        raise _wrong(
            f"{file}: cannot be removed: {error.strerror}; run this as the gate's own user"
        ) from error


@app.command()
def explain(
    config: ConfigArgument,
    at: Annotated[Place, typer.Option(help="The place asked about.")],
    heading: Annotated[Heading, typer.Option(help="Into the gate area, or out of it.")],
    declaration: Annotated[str | None, typer.Option(metavar="NO", help="A declaration's number.")] = None,
    plate: Annotated[
        str | None, typer.Option(metavar="TEXT", help="A plate; with --declaration, which vehicle.")
    ] = None,
    as_object: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
    lang: Annotated[Language, typer.Option(help="Language of the sentences.")] = Language.VI,
) -> None:
    """Say what the gate would decide for a declaration or a plate, and why; exit code 1 unless it may be opened."""
    if declaration is None and plate is None:
        raise _wrong("name what to explain: --declaration NO, --plate TEXT, or both")
    try:
        given = answer(_load(config), Question(at, heading, declaration, plate))
    except (NodeError, BadConfiguration) as error:
        raise _wrong(str(error)) from error
    if as_object:
        typer.echo(json.dumps(as_json(given, lang), ensure_ascii=False))
    else:
        typer.echo(as_text(given, lang))
    if given.decision.verdict is not Verdict.OPEN:
        raise typer.Exit(1)


@app.command()
def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the secret key is written.")],
) -> None:
    """Make this gate's signing key; prints the public key, which the centre enrols."""
    if file.exists():
        raise _wrong(f"{file} exists; a node keeps its key. Remove it yourself if you mean to replace it")
    made = PrivateKey.generate()
    file.touch(mode=0o600)
    file.write_text(made.text() + "\n", encoding="utf-8")
    typer.echo(made.public.text)


@app.command()
def pin(
    officer: Annotated[str, typer.Argument(help="The officer's code.")],
    agency: Annotated[Agency, typer.Argument(help="Her agency's code.")],
    value: Annotated[
        str,
        typer.Option(
            "--pin", prompt="PIN", hide_input=True, confirmation_prompt=True, help="Asked for when absent."
        ),
    ],
) -> None:
    """Print the table for the officers' file: paste it, the PIN itself is stored nowhere."""
    typer.echo(f'[officers.{officer}]\nagency = "{agency}"\nverifier = "{make_verifier(value)}"')


def _load(config: Path, to_run: bool = False) -> GateConfiguration:
    try:
        return load(config, to_run)
    except BadConfiguration as error:
        raise _wrong(str(error)) from error


def _wrong(message: str) -> typer.Exit:
    typer.echo(message, err=True)
    return typer.Exit(2)


if __name__ == "__main__":
    app()
