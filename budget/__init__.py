"""The front door: the ``budget`` command, project files and the run store. Wires the rooms, holds no mathematics."""
