"""The rules of stays, pure: values in, answers and operations out.

`state`: what decisions see. `billing`: what a stay costs and what of it is charged. `entering`, `passing`, `settling`: the
three moments of a visit. `mending`: corrections, lost bands, forced ends, evacuations. `furnishing`: zones and readers.
"""
