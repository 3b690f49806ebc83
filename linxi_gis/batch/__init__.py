"""Batches: files of any size to a table, one row a feature; measured, not judged."""

from linxi_gis.batch.conveyor import Plan, Report, Summary, prepare, run
from linxi_gis.batch.sources import Source, open_sources
from linxi_gis.batch.work import Desk, Job

__all__ = ["Desk", "Job", "Plan", "Report", "Source", "Summary", "open_sources", "prepare", "run"]
