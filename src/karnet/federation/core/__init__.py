"""The protocol of the common card, sans I/O: what servers say to each other and what they make of it.

Pure: nothing here opens a socket or a database, reads a clock or draws by chance. Storage is `store.Store`, time is an
argument, transport is whoever carries a `messages.Message` and its reply. The same code runs over HTTPS and PostgreSQL
and in the simulator (`karnet.federation.sim`), which is where its promises are tested.

Reading order: `messages` (the wire), `store` (what is asked of storage), `accepting` (what a receiver believes),
`batching` (what a sender sends), `relaying` (who says what when). In words: docs/federation.md.

Invariants: what is received continues what is held, under a note its log's key signed; nothing is cosigned that is not
stored for good; a contradiction signed by a log's key is kept as evidence and never applied; a message that comes
twice, late, or never, changes nothing that it should not.
"""
