"""The foundation of the faces: design system, log-in, roles and route rules, security headers, languages, errors.

Invariants: a route without a rule answers nobody (`access`, a middleware); an auditor's request never reaches a view
that changes something; no page holds inline script or style (`headers`); the clock is asked in one place (`clock`).
Everything a face may use is described in docs/faces.md and shown on the running site under /design.
"""
