"""What a run leaves behind: its models, its events and its folder ``runs/<id>/``."""

from wizara.record.events import Event, Note, OperationEnded, RunEnded, RunStarted
from wizara.record.folder import RunFolder
from wizara.record.run import NodeResult, Run, new_run_id

__all__ = ["Event", "NodeResult", "Note", "OperationEnded", "Run", "RunEnded", "RunFolder", "RunStarted", "new_run_id"]
