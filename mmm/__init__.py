"""The statistics: weekly data in, response curves with their uncertainty out. The only room that knows PyMC."""
