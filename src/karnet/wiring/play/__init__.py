"""Playing a scenario: one timed step per line of JSON, one outcome per step.

A scenario names things as people do (facility "kopa", till "kopa/till-1", card "1001"); `names` finds their ids,
`schedule` puts steps that do not depend on each other into batches, the `acts_…` modules turn a batch into requests of
the slices' services and their answers into outcomes. Guarantees: a file with one bad step runs nothing; outcomes come
in the order of the lines; playing a file again changes nothing and gives the same outcomes.
"""
