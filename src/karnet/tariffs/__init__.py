"""Tariffs: what a metered stay costs, and why (SPEC S2, S4, S5, S14; docs/tariffs.md holds the rules one can look up).

Pure: values in, values out; no Django, clock, database or chance, and nothing of Karnet but the kernel. A tariff is data
(`model`), checked before it is published (`checking`) and worth a look where it may surprise (`advice`). `rating.Rater` rates one
stay and explains every grosz; `repricing` rates columns of stays through another tariff, to the same bit.

Invariants: amounts are whole numbers of one denominator, rounded once; nothing is below zero; a stay never costs less
when it is looked at later; no cap is exceeded; the lines of a bill add up to its total. `checking` refuses the tariffs
under which one of them could fail, so they hold for every tariff that can be published.
"""
