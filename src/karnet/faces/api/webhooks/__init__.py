"""Webhooks: what was sealed in the journal, told to subscribers (docs/api.md).

`events` turns operations into events; `subscriptions` keeps who wants which; `queue` turns the journal into deliveries
behind a cursor, in one transaction, so that an event is queued exactly once; `sending` sends what is due, signed, again
and again with growing pauses, until it is taken or given up; `signing` is also what a receiver needs to verify.
At least once: a receiver knows repeats by `webhook-id`.
"""
