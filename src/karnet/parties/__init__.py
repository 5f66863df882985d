"""Parties: facilities, sales points, operators, their people's log-ins, and companies that buy.

Invariants: whoever is named in an operation is an enrolled actor; names, log-ins and company data stay out of the
journal (ids only). Lock order: facility, sales point, operator.
"""
