"""``wizara bench``: measures wizara beside pyinfra, Ansible and nmap, on this computer."""

from __future__ import annotations

import os
import subprocess
import sys

import click

from wizara import tree
from wizara.errors import ExitCode, Unfinished, UsageFault
from wizara.text import _

_TABLES = {"far": "table.py", "near": "table.py", "audit": "lan_table.py"}


@click.command()
@click.argument("what", nargs=-1, type=click.Choice([*_TABLES]))
@click.option("--pairs", default=3, show_default=True, help="How often wizara is measured against its peer.")
def command(what: tuple[str, ...], pairs: int) -> int:
    """Measure wizara beside others: WHAT is far (one machine at 300 ms), near (many), or audit (a LAN, beside nmap).

    far and near are the same 30 operations by wizara, pyinfra and Ansible, on SSH servers on the loopback; the peers are installed
    once, pinned, into the cache folder. audit finds hosts, tries ports and looks for planted weaknesses in network namespaces; nmap comes
    from Debian. Takes about 15 minutes each, and root. Exit code 4 when a bar is missed.
    """
    from wizara.cli.world import be_root

    folder = tree.root() / "tests" / "bench"
    if not folder.is_dir():
        raise UsageFault(_("the tests come with the checkout, not with the package"))
    be_root()
    paths = [str(tree.root()), *filter(None, [os.environ.get("PYTHONPATH")])]
    worst = int(ExitCode.DONE)
    for script in dict.fromkeys(_TABLES[one] for one in what or _TABLES):
        mine = [one for one in what if _TABLES[one] == script and script == "table.py"]
        line = [sys.executable, str(folder / script), *mine, "--pairs", str(pairs)]
        code = subprocess.run(line, check=False, env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)}).returncode
        if code not in {0, int(ExitCode.PENDING)}:
            raise Unfinished(_("the measurement ended with {code}").format(code=code))
        worst = max(worst, code)
    return worst
