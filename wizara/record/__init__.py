"""Run records: what was done, where, by whom, and what came of it."""
