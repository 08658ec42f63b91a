"""The project: settings, processes, and the spine that every record of the trial hangs on."""
