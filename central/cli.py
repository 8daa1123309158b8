"""The command `barie-central`. Exit codes: 0 good, 1 the thing asked about is not good, 2 wrong call or configuration."""

import asyncio
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from pydantic import ValidationError

from central import procedure_diff, procedures, rotating, schemas, server
from central.centre import open_store
from central.checkpointing import SiteCheckpoints
from central.configuration import CentreConfiguration
from central.databases import open_engine
from central.enrolling import EnrolmentDesk
from central.errors import BadRules, CentralError
from central.journals import CentreJournals
from central.models import NodeIn, OfficerIn
from central.publishing import PublicationDesk
from shared.clock import day_at_gates, utc_now
from shared.codes import Agency, Place
from shared.configuration import BadConfiguration
from shared.facts import FactError
from shared.node.agency_file import load_agency_names
from shared.node.errors import NodeError
from shared.node.procedure_files import SHIPPED, load_procedures, read_procedures, shipped
from shared.node.tariff_files import SHIPPED as SHIPPED_TARIFFS
from shared.node.tariff_files import load_tariffs
from shared.procedures import Procedures
from shared.signing import BadKey, PrivateKey

app = typer.Typer(
    no_args_is_help=True, pretty_exceptions_enable=False, help="The central server of a digital border gate."
)
procedures_app = typer.Typer(
    no_args_is_help=True, help="The decree's procedures as data: check the files, list the steps."
)
tariffs_app = typer.Typer(no_args_is_help=True, help="The tariffs of the fee as data: check the files.")
enrol_app = typer.Typer(
    no_args_is_help=True,
    help="License nodes and officers while the server is stopped. While it runs, use POST /api/nodes and /api/officers.",
)
app.add_typer(procedures_app, name="procedures")
app.add_typer(tariffs_app, name="tariffs")
app.add_typer(enrol_app, name="enrol")

NOT_GOOD, WRONG_CALL = 1, 2
Config = Annotated[Path, typer.Argument(help="the configuration file", metavar="CONFIG.toml")]
_AFTER_ROTATION = """
Next:
1. Put {new} in place of {key}, or name it as key_file in the configuration; keep the old file away from this machine.
2. Start the server. Gates follow by themselves, those too that were away: nothing has to be done there.
3. Write the new public key as centre_key into the files of gates that are installed from now on:
   {public}"""
Folder = Annotated[Path, typer.Argument(help="folder of procedure files; the shipped ones when left out")]


@app.command()
def run(config: Config) -> None:
    """Run the server until it is told to stop (SIGTERM or Ctrl-C): API, page, sync with the gates."""
    with _exits():
        asyncio.run(server.run(CentreConfiguration.read(config)))


@app.command()
def check(config: Config) -> None:
    """Check a configuration; prints nothing, or file:line: key: what is wrong; what to write."""
    with _exits():
        load_agency_names(CentreConfiguration.read(config).agency_names)


@app.command()
def key(
    file: Annotated[Path, typer.Argument(help="where to write the secret key; must not be there yet")],
) -> None:
    """Make the centre's signing key, readable by its owner only; prints the public key, which gates pin."""
    secret = PrivateKey.generate()
    with _exits():
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(secret.text() + "\n")
    typer.echo(secret.public.text)


@app.command()
def rotate(
    config: Config,
    new_key: Annotated[
        Path, typer.Argument(help="file of the new key, made with `key`", metavar="NEWKEYFILE")
    ],
) -> None:
    """Go on under a new signing key, while the server is stopped: the old key's last word names the new one."""
    with _exits(), _journals(config) as (configuration, journals):
        new = PrivateKey.parse(new_key.read_text(encoding="utf-8"))
        for one in rotating.rotate(journals.store, journals.key, new.public, journals.sites):
            typer.echo(
                f"{one.site}: {one.ref} is the old key's last fact; {one.journal} goes on under the new key"
            )
        typer.echo(
            _AFTER_ROTATION.format(new=new_key, key=configuration.values.key_file, public=new.public.text)
        )


@app.command()
def checkpoint(config: Config) -> None:
    """Make a checkpoint of every site while the server is stopped. While it runs, use POST /api/checkpoints."""
    with _exits(), _journals(config) as (configuration, journals):
        for site in journals.sites:
            rotating.first_root(journals.store, journals.key, site)
            made = asyncio.run(SiteCheckpoints(journals, site, configuration.checkpoints).make())
            facts = sum(part.facts for part in made.parts)
            typer.echo(f"{site}: {made.at}, {facts} facts, {len(made.heads)} journals")


@app.command("schemas")
def write_schemas(folder: Annotated[Path, typer.Argument(help="where to write them", metavar="DIR")]) -> None:
    """Write the JSON Schema of every fact kind and MQTT payload."""
    with _exits():
        written = schemas.write(folder)
    typer.echo(f"{len(written)} schemas written to {folder}")


@procedures_app.command("check")
def check_procedures(folder: Folder = SHIPPED) -> None:
    """Check procedure files; prints nothing, or file:line: key: what is wrong; what to write."""
    with _exits(findings=NOT_GOOD):
        _load_procedures(folder)


@procedures_app.command("table")
def list_procedures(
    folder: Folder = SHIPPED,
    on: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="the day, as 2026-01-31; today when left out"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="a JSON list, for scripts")] = False,
) -> None:
    """List the steps at a barrier that are in force: who confirms in the reading in use, who opens, how well the text
    carries it."""
    day = on.date() if on else day_at_gates(utc_now())
    with _exits(findings=NOT_GOOD):
        rows = procedures.table(_load_procedures(folder).in_force(day))
    typer.echo(json.dumps(rows, ensure_ascii=False) if as_json else procedures.text(rows))


@procedures_app.command("diff")
def compare_procedures(
    old: Annotated[Path, typer.Argument(help="folder of procedure files as they were", metavar="OLD")],
    new: Annotated[
        Path, typer.Argument(help="folder as they are to be; the shipped ones when left out", metavar="NEW")
    ] = SHIPPED,
    as_json: Annotated[bool, typer.Option("--json", help="a JSON list, for scripts")] = False,
) -> None:
    """Say what NEW changes against OLD, khoản by khoản; exit code 1 when anything is different."""
    with _exits():
        before, after = _load_procedures(old).all, _load_procedures(new).all
    changes = procedure_diff.differences(before, after)
    if as_json:
        typer.echo(json.dumps(procedure_diff.as_json(changes), ensure_ascii=False))
    elif changes:
        typer.echo(procedure_diff.as_text(changes, procedure_diff.titles(before, after)))
    if changes:
        raise typer.Exit(NOT_GOOD)


@procedures_app.command("publish")
def publish_procedures(
    config: Config,
    folder: Annotated[Path, typer.Argument(help="folder of procedure files", metavar="DIR")],
    site: Annotated[str, typer.Option(help="the site whose gates they are for, as CKHN")],
) -> None:
    """Publish procedures to a site's gates while the server is stopped. While it runs, use POST /api/procedures."""
    with _exits(findings=NOT_GOOD), _journals(config) as (_, journals):
        sources = [replace(one, published=True) for one in read_procedures(_folder(folder, "procedure"))]
        journals.require(site)
        rotating.first_root(journals.store, journals.key, site)
        _tell(PublicationDesk(journals, shipped()).procedures(site, sources))


@tariffs_app.command("check")
def check_tariffs(
    folder: Annotated[
        Path, typer.Argument(help="folder of tariff files; the shipped ones when left out")
    ] = SHIPPED_TARIFFS,
) -> None:
    """Check tariff files; prints nothing, or file:line: key: what is wrong; what to write."""
    with _exits(findings=NOT_GOOD):
        load_tariffs(_folder(folder, "tariff"))


@enrol_app.command("node")
def enrol_node(
    config: Config,
    node: Annotated[str, typer.Option(help="the node's name")],
    site: Annotated[str, typer.Option(help="the site it stands at, as CKHN")],
    public_key: Annotated[str, typer.Option("--key", help="its public key, 43 characters")],
    place: Annotated[list[Place], typer.Option(help="a place it speaks for; may be given again")],
    agency: Annotated[
        list[Agency] | None, typer.Option(help="an agency with a screen there; again for more")
    ] = None,
) -> None:
    """License a gate PC or desk."""
    with _exits(), _desk(config) as desk:
        asked = NodeIn(node=node, site=site, public_key=public_key, places=place, agencies=agency or [])
        _tell(desk.node(asked))


@enrol_app.command("officer")
def enrol_officer(
    config: Config,
    officer: Annotated[str, typer.Option(help="the officer's code")],
    agency: Annotated[Agency, typer.Option(help="the agency whose office it is")],
    site: Annotated[str, typer.Option(help="the site, as CKHN")],
    name: Annotated[str | None, typer.Option(help="the officer's name; kept apart from the facts")] = None,
    days: Annotated[int, typer.Option(help="how long the lease runs")] = 35,
) -> None:
    """Lease an office to an officer from now on; given again it is a renewal."""
    with _exits(), _desk(config) as desk:
        _tell(desk.officer(OfficerIn(officer=officer, agency=agency, site=site, name=name, days=days)))


def _load_procedures(folder: Path) -> Procedures:
    return load_procedures(_folder(folder, "procedure"))


def _folder(folder: Path, what: str) -> Path:
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder; name the folder of {what} files")
    return folder


@contextmanager
def _desk(config: Path) -> Iterator[EnrolmentDesk]:
    with _journals(config) as (_, journals):
        for site in journals.sites:
            rotating.first_root(journals.store, journals.key, site)
        yield EnrolmentDesk(journals)


@contextmanager
def _journals(config: Path) -> Iterator[tuple[CentreConfiguration, CentreJournals]]:
    configuration = CentreConfiguration.read(config)
    store = open_store(open_engine(configuration))
    try:
        yield configuration, CentreJournals(store, configuration.key(), configuration.values.sites)
    finally:
        store.close()


@contextmanager
def _exits(findings: int = WRONG_CALL) -> Iterator[None]:
    """Turns errors into a sentence on standard error and an exit code; `findings` is the code for a file's findings."""
    try:
        yield
    except (BadConfiguration, BadRules) as error:
        raise _exit(str(error), findings) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise _exit(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", WRONG_CALL) from error
    except (CentralError, NodeError, FactError, BadKey, OSError, UnicodeDecodeError) as error:
        raise _exit(str(error), WRONG_CALL) from error


def _exit(sentence: str, code: int) -> typer.Exit:
    typer.echo(sentence, err=True)
    return typer.Exit(code)


def _tell(facts: list[str]) -> None:
    typer.echo("\n".join(facts) if facts else "stands already")


if __name__ == "__main__":
    app()
