"""Pure rules of settlement: what an agreement's text must be, how one ticket is divided, who owes whom.

Facilities are *places* here: whole numbers in the order of their codes, so that "ties to the id that sorts first"
(SPEC N-a) is what people can check by hand: the code A comes before B.
"""
