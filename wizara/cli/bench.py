"""``wizara bench``: measures wizara beside pyinfra and Ansible, on this computer."""

from __future__ import annotations

import os
import subprocess
import sys

import click

from wizara import tree
from wizara.errors import ExitCode, Unfinished, UsageFault
from wizara.text import _


@click.command()
@click.argument("what", nargs=-1, type=click.Choice(["far", "near"]))
@click.option("--pairs", default=3, show_default=True, help="How often wizara is measured against a script by hand.")
def command(what: tuple[str, ...], pairs: int) -> int:
    """Measure the same 30 operations by wizara, pyinfra and Ansible: WHAT is far (one machine at 300 ms) or near (many).

    The machines are SSH servers on the loopback. The peers are installed once, pinned, into the cache folder; takes about 15 minutes
    and root. Exit code 4 when a bar is missed.
    """
    from wizara.cli.world import be_root

    script = tree.root() / "tests" / "bench" / "table.py"
    if not script.is_file():
        raise UsageFault(_("the tests come with the checkout, not with the package"))
    be_root()
    paths = [str(tree.root()), *filter(None, [os.environ.get("PYTHONPATH")])]
    line = [sys.executable, str(script), *what, "--pairs", str(pairs)]
    code = subprocess.run(line, check=False, env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)}).returncode
    if code not in {0, int(ExitCode.PENDING)}:
        raise Unfinished(_("the measurement ended with {code}").format(code=code))
    return code
