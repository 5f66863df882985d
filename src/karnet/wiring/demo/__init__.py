"""The demo: a ski day on three facilities of one card, generated from a seed and played through the real services.

`network` is the sample (facilities, gates, price lists, agreement), `people` draws who comes, `day` simulates what they
do and emits a scenario like any other (`karnet demo --write`), `showing` puts the outcome into words. The generator is
pure: same seed, same number of skiers, same day → the same steps.
"""
