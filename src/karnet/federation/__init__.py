"""Federation: servers that share one card exchange what they sealed, through a hub.

Purpose: membership, push and pull of sealed entries, cosigning, and what people see of it. Invariants: who takes part
is said by the hub's log alone; nothing a member sends is believed before its checkpoint verifies under that member's
key; house contents never leave their server. Locks nothing: guards are constraints (a member admitted once, an
invitation used once), and receiving moves a log by compare-and-swap (journal.arrivals).
"""
