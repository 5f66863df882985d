"""Parties: facilities, sales points, operators, their people's log-ins, and companies that buy.

Invariants: whoever is named in an operation is an enrolled actor, known by a code from which its id derives; an
unattended sales point has a service operator of its own; who retires takes along what belongs to it. Names, log-ins
and company data stay out of the journal. Lock order: none (unique ids and codes decide races).
"""
