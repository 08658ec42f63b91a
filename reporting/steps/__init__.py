"""What each kind of work asks for. `reporting.next_step` puts it into one order."""
