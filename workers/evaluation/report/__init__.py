"""An evaluation as a page that a lab can send to a colleague, and its plots as PNG files."""

from workers.evaluation.report.page import write_report

__all__ = ["write_report"]
