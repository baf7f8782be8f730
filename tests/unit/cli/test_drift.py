"""Drift: what somebody has accepted is set apart until its last day, and nothing else is."""

from __future__ import annotations

from datetime import date

import pytest

from wizara.audit.exceptions import Exemption
from wizara.cli.drift import judged
from wizara.record.drift import fingerprint
from wizara.record.progress import PlannedChange
from wizara.record.provision import NodeOutcome, ProvisionResult

EDITED = PlannedChange(operation="file", kind="modify", subject="/etc/motd", diff=("-a", "+b"))
SECRET = PlannedChange(
    operation="file", kind="modify", subject="/etc/dovecot/users", note="secret changed", found="aaaa"
)
OTHERWISE = EDITED.model_copy(update={"diff": ("-evil", "+b")})


def planned(*changes: PlannedChange) -> ProvisionResult:
    node = NodeOutcome(
        node="dc1", outcome="pending" if changes else "unchanged", exit_code=4 if changes else 0, changes=changes
    )
    return ProvisionResult(
        run="r", verb="drift", world="field", ministry="mps", exit_code=node.exit_code, nodes=(node,)
    )


def accepted(change: PlannedChange, node: str = "dc1") -> Exemption:
    mark = fingerprint(node, change)[:12]
    return Exemption(
        fingerprint=mark, reason="trial", owner="awa", accepted=date(2026, 1, 1), expires=date(2026, 6, 30)
    )


@pytest.mark.parametrize(
    ("changes", "accept", "day", "code", "statuses"),
    [
        ((), (), date(2026, 3, 1), 0, []),
        ((EDITED,), (), date(2026, 3, 1), 4, ["new"]),
        ((EDITED,), (accepted(EDITED),), date(2026, 3, 1), 0, ["accepted"]),
        ((EDITED,), (accepted(EDITED),), date(2026, 6, 30), 0, ["accepted"]),
        ((EDITED,), (accepted(EDITED),), date(2026, 7, 1), 4, ["expired"]),
        ((EDITED,), (accepted(EDITED),), date(2025, 12, 31), 4, ["new"]),
        ((EDITED,), (accepted(EDITED, "mail1"),), date(2026, 3, 1), 4, ["new"]),
        ((OTHERWISE,), (accepted(EDITED),), date(2026, 3, 1), 4, ["new"]),
        ((SECRET,), (accepted(SECRET),), date(2026, 3, 1), 0, ["accepted"]),
        ((SECRET.model_copy(update={"found": "bbbb"}),), (accepted(SECRET),), date(2026, 3, 1), 4, ["new"]),
        ((EDITED, OTHERWISE), (accepted(EDITED),), date(2026, 3, 1), 4, ["accepted", "new"]),
    ],
)
def test_only_this_very_deviation_is_accepted_and_only_until_its_day(
    changes: tuple[PlannedChange, ...], accept: tuple[Exemption, ...], day: date, code: int, statuses: list[str]
) -> None:
    result = judged(planned(*changes), accept, day)
    assert (result.exit_code, [one.status for one in result.nodes[0].deviations]) == (code, statuses)


def test_a_node_that_cannot_be_reached_is_never_without_drift() -> None:
    silent = planned().model_copy(update={"nodes": (NodeOutcome(node="dc1", outcome="unreachable", exit_code=5),)})
    assert judged(silent, (), date(2026, 3, 1)).exit_code == 5
