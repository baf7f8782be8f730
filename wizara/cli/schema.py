"""``wizara schema``: prints the JSON Schema that editors check inventories with, and programs what they read of an audit."""

from __future__ import annotations

import json
from typing import Any

import click

from wizara.errors import ExitCode


@click.command()
@click.argument("kind", type=click.Choice(["ministry", "site", "audit", "report"]), default="ministry")
def command(kind: str) -> int:
    """Print the JSON Schema of ministry.yaml, of a site's file, of wizara audit --json or of an audit's report as JSON."""
    click.echo(json.dumps(_schema(kind), ensure_ascii=False, indent=2))
    return ExitCode.DONE


def _schema(kind: str) -> dict[str, Any]:
    from wizara.inventory.schema import derived, schema

    if kind == "audit":
        from wizara.cli.auditing import AuditSummary

        return derived(AuditSummary, "serialization")
    if kind == "report":
        from wizara.report.data import ReportData

        return derived(ReportData, "serialization")
    return schema(kind)
