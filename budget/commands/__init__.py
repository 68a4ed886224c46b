"""The commands, a module for each kind of work; :mod:`budget.cli` registers them."""
