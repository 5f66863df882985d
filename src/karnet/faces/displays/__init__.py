"""Gate displays: what a skier sees at the gate, in three languages at once; and the simulator that drives them.

Reading order: `scenes` (what is on the screen, and why), `words` (in which words), `news` (how a display learns what was
decided elsewhere), `pairing` (whose display it is), then the views: `display`, `simulator`, `manage`.

A display asks every second or less for what is new. It keeps no connection open: the web process has few threads,
and a held request would take one from the tills. docs/displays.md says what staff need to know.
"""
