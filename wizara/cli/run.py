"""``wizara run``: shows what any past run did, as it told it then."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wizara.cli.options import json_option, runs_option
from wizara.errors import ExitCode
from wizara.text import _

if TYPE_CHECKING:
    from wizara.record import RunFolder
    from wizara.record.run import Run

#: verb → the file of its result
_RESULTS = {
    "plan": "result.json",
    "apply": "result.json",
    "drift": "result.json",
    "verify": "verify.json",
    "audit": "audit.json",
}


@click.command()
@click.argument("run", required=False)
@json_option
@runs_option
def command(run: str | None, as_json: bool, runs: str) -> int:
    """Show the run RUN (an id, or last) as it was; without RUN, list all of them, the newest last."""
    from wizara.cli.provision import safe
    from wizara.record import RunFolder
    from wizara.record.folder import recorded

    if run is None:
        found = sorted(recorded(Path(runs), lambda why: print(safe(why), file=sys.stderr)), key=lambda one: one.started)
        if as_json:
            print(json.dumps([one.model_dump(mode="json") for one in found], indent=2))
        else:
            for one in found:
                print(_line(one))
        return ExitCode.DONE
    folder = RunFolder.open(Path(runs), run)
    if as_json:
        print(
            json.dumps(
                {"run": folder.run.model_dump(mode="json"), "result": _result(folder)}, indent=2, ensure_ascii=False
            )
        )
        return ExitCode.DONE
    print(_line(folder.run))
    _show(folder)
    return ExitCode.DONE


def _line(run: Run) -> str:
    who = f"{run.operator}@{run.host}" if run.host else run.operator
    end = (
        _("exit code {code}, {seconds:.0f} s").format(
            code=run.exit_code, seconds=(run.ended - run.started).total_seconds()
        )
        if run.ended
        else _("never ended: running still, or killed")
    )
    return f"{run.id}  {run.started:%Y-%m-%d %H:%M:%S}  {who}  {run.verb} {run.ministry} — {run.world}  {end}"


def _result(folder: RunFolder) -> object:
    path = folder.path / _RESULTS.get(folder.run.verb, "")
    return json.loads(path.read_bytes()) if path.is_file() else None


def _show(folder: RunFolder) -> None:
    from wizara.cli.provision import show
    from wizara.record.provision import ProvisionResult

    if folder.run.verb in {"plan", "apply", "drift"} and (folder.path / "result.json").is_file():
        show(folder.read("result.json", ProvisionResult), as_json=False)
    for path in sorted(folder.path.iterdir()):
        if not path.name.startswith("."):
            print(f"  {path}")
