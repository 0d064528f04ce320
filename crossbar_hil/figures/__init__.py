"""What all figures and reports share: Axes, colours, units, boxes, annotated maps, PNG files and pages."""
