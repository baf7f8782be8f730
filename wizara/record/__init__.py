"""What a run leaves behind: its models, its folder ``runs/<id>/``, and the journal of all runs."""

from wizara.record.folder import RunFolder
from wizara.record.journal import Journal
from wizara.record.run import Head, Run, new_run_id

__all__ = ["Head", "Journal", "Run", "RunFolder", "new_run_id"]
