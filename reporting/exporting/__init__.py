"""Taking data away: every data set as CSV, safe in spreadsheets, from one consistent state of the database."""
