"""All promises of the subject mail, by id."""

from __future__ import annotations

from audits.mail import promises
from wizara.audit.rule import rules_of

RULES = rules_of(promises)
