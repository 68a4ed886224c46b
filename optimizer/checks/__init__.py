"""The verifier's checks, one module for each kind of rule; they share nothing with the solver's rows."""
