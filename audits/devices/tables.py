"""Turns what a device shows into rows, by the templates of ntc-templates; what they do not understand has no rows."""

from __future__ import annotations

import re

from pydantic import JsonValue

from wizara.audit.untrusted import untrusted

MOST = 20_000
"""Rows of one table that are kept."""
#: How devices say no: unknown command, missing privilege.
_REFUSED = re.compile(
    r"\s*% ?(?:Invalid|Incomplete|Ambiguous|Unknown|Unrecognized|Authorization|Access|Error|LLDP is not|CDP is not)|"
    r"Error: ?(?:Unrecognized|Incomplete|Wrong|You do not)|Invalid input: |"
    r"bad command name|syntax error|expected end of command|no such item|not enough permissions"
)


def refused(lines: list[str]) -> bool:
    """Say whether *lines* are a refusal of the command, and no answer."""
    return any(_REFUSED.match(line) for line in lines[:3])


def table(platform: str, command: str, answer: str) -> list[JsonValue]:
    """Return a row of texts for each thing that *answer* to *command* lists."""
    from ntc_templates.parse import ParsingException, parse_output  # noqa: PLC0415 - needed by this collector only
    from textfsm import TextFSMError  # noqa: PLC0415

    try:
        rows = parse_output(platform=platform, command=command, data=answer)
    except (ParsingException, TextFSMError, ValueError, KeyError):
        return []
    return [_row(row) for row in rows[:MOST]]


def _row(row: dict[str, object]) -> JsonValue:
    kept: dict[str, JsonValue] = {}
    for name, value in row.items():
        if isinstance(value, list) and value:
            kept[name] = [untrusted(str(one)) for one in value[:256]]
        elif isinstance(value, str) and value:
            kept[name] = untrusted(value)
    return kept
