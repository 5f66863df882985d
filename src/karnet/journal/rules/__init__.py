"""Rules of the journal: what is believed of an entry that another server recorded."""
