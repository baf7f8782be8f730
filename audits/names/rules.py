"""All promises of the subject names, by id."""

from __future__ import annotations

from audits.names import promises
from wizara.audit.rule import rules_of

RULES = rules_of(promises)
