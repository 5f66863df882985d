"""The REST API at /api/v1: gates, media, catalogue, sales, shifts, journal, settlement, webhooks (docs/api.md).

Adds no rule: an endpoint turns JSON into a request of a slice's service and its answer into JSON. What is decided here
is only who may ask (tokens and their scopes) and how often.

Tables of this package are house data, never operations: tokens, webhook subscriptions and their
deliveries. Losing them loses no business fact.
"""
