"""Files shipped with the package: the demo project, calendars and example configurations."""
