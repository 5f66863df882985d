"""The tariff engine against an oracle written another way, on random tariffs and stays. One seed is one case, for ever.

`python -m tests.tariffs.compare --cases 100000` runs the whole comparison; `make test` a few thousand of them.
"""
