"""Case files: cases with expected results that the protocol engine is checked against, without a database."""
