"""How the comparison of losses is reported."""

from __future__ import annotations

from reports.losses.protocol import losses_protocol
from reports.study_report import Contents, StudyReport

REPORT = StudyReport(
    title="The paper's losses compared",
    protocol=losses_protocol,
    summarise=lambda study, store: None,
    contents=lambda summary: Contents(frames={}),
)
