"""Pages of this room. They read and change nothing."""
