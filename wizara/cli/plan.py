"""``wizara plan``: what apply would change."""

from __future__ import annotations

from pathlib import Path

import click

from wizara.cli.options import json_option, lab_option, limit_option, ministry_argument, runs_option


@click.command()
@ministry_argument
@lab_option
@limit_option
@click.option("--part", default="site", show_default=True, type=click.Choice(["site", "node", "names", "intranet", "mail"]),
              help="Only this part of what is declared.")  # fmt: skip
@click.option("--no-diff", is_flag=True, help="List changes without their text.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
              help="Keep the plan in FILE: apply FILE does exactly this, or refuses when something has moved.")  # fmt: skip
@json_option
@runs_option
def command(
    ministry: str, lab: str | None, limit: tuple[str, ...], part: str, no_diff: bool, out: Path | None, as_json: bool, runs: str
) -> int:  # fmt: skip
    """Show what apply would change on the nodes of MINISTRY. Exit code 4 when something is pending."""
    from wizara.cli.provision import Provision, show, world_line
    from wizara.cli.world import chosen, scene

    found = scene(ministry, lab)
    world_line(found, "plan")
    provision = Provision(found, "plan", chosen(found.ministry, limit), Path(runs), deploy=part)
    result = provision.run()
    if out:
        from wizara.cli.saved import save

        save(provision, result.run, out)
    show(result, as_json=as_json, diff=not no_diff)
    return result.exit_code
