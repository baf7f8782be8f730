"""Observations, rules, verdicts and findings: pure."""
