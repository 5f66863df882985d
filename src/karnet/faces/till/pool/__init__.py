"""The pool's desk at the till: bands given out, bills explained and paid, bands taken back, what went wrong put right.

One reader serves it all: the band's state decides (SPEC S13). Not in use, it joins the people who come (`arrivals`, in
the session until they have paid: `coming`); in use, its tab's bill is shown (`bills`, `leaving`); its stay over, it is taken
back. `mending`: lost bands, missed reads, forced ends. `inside`: who is in, heads per zone, evacuation. `passes`: e-passes.
"""
