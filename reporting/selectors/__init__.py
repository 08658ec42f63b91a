"""Reads of this room: everything about many subjects at once, in a number of queries that never grows."""
