"""A whole common card on one machine, for the demo, the benchmarks and the tests: a hub with nodes and members.

Every server is an ordinary installation with its own database and its own `karnet serve`, made and joined by the
commands of docs/operating; between each member and the hub stands a `Link` that can be cut. A `Hand` is a process that
plays what people do at one server, through the real services.
"""
