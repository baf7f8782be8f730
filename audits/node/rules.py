"""All promises of the subject node, by id."""

from __future__ import annotations

from audits.node import promises
from wizara.audit.rule import rules_of

RULES = rules_of(promises)
