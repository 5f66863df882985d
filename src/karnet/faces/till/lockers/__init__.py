"""The changing room at the till: sections and their plans, who is where, what staff do with a locker (docs/lockers.md)."""
