"""The transparency log itself, as mathematics: hashes, tiles, signed notes, proofs, verification.

Pure functions and small values over bytes. Nothing here opens a file, a socket or a database, and
nothing reads a clock: readers are passed in, and a time is an argument. What is implemented is
RFC 6962 section 2.1 (hashing and proofs; verification as in RFC 9162 section 2.1) and, from C2SP,
tlog-tiles, tlog-checkpoint, signed-note and the Ed25519 half of tlog-cosignature.

Invariants: a tree only grows; a full tile never changes; a partial tile is a prefix of the tile it
becomes; the root of the tiles is the root of the leaves. Modules import downwards only:
`verifier` > `checkpoint` > `note`, and `verifier` > `tiles` > `merkle`.
"""
