"""Loyalty: rewards for use and top-ups, by published rules (SPEC N11): bonus money, discounts, free entries.

Invariants: a reward is given once for the n-th time a card reaches a rule's threshold, whoever asks how often (its id is
derived from rule, card and n); a right is used once, in the same transaction as the sale it makes cheaper; only the
server of the facility that gives a reward decides it. Bonus money is settled by the agreement's rule for bonuses.
Lock order: media; a sale with a right takes the locks of a sale.
"""
