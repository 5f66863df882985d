"""Which locker a band is given, and what staff may do with one. Pure."""
