"""All promises of the subject intranet, by id."""

from __future__ import annotations

from audits.intranet import promises
from wizara.audit.rule import rules_of

RULES = rules_of(promises)
