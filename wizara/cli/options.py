"""Arguments and options that several verbs share, and how a result is printed."""

from __future__ import annotations

import click

ministry_argument = click.argument("ministry")
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
lab_option = click.option("--lab", "lab", is_flag=False, flag_value="", default=None, metavar="[NAME]",
                          help="Act in the lab of that name (default: the ministry's) instead of the field.")  # fmt: skip
runs_option = click.option("--runs", "runs", type=click.Path(file_okay=False), default="runs", show_default=True,
                           help="Folder that run records are kept in.")  # fmt: skip
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")
