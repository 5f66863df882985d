"""Portal: what clients look at without a log-in: what is on an electronic pass (docs/passes.md)."""
