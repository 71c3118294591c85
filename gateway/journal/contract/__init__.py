"""The parts of the journal's contract, one file for each concern; `gateway.journal.base` is the whole."""
