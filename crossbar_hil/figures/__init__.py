"""What all figures and reports share: Axes, colours, units, boxes, annotated maps, PNG files and pages."""

REPORT = "report.html"
"""The page of a run, a study or a reading, in its folder."""
