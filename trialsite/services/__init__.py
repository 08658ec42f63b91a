"""The clinic's verbs that belong to the spine. Only services write."""
