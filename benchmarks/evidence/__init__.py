"""Studies that prove, or disprove, what the model promises: recovery, calibration, scaling. See docs/evidence."""
