"""Devices beside a till: printers, their protocols, their simulators, and the queue in front of them (docs/devices.md).

Printing is a delivery, not an operation: a sale is in the journal before a printer hears of it, never waits for one and
never fails by one. `queue` turns sealed sales into print jobs behind a cursor, each exactly once; `printing` drives one
printer at a time per printer, and after any silence asks the printer what it has printed before it prints again.

The protocols (`posnet`, `escpos`, `documents`) are sans I/O: bytes and values in, bytes and values out; `links` moves
the bytes over TCP and serial lines. Printers hold no lock of the database while they print.
"""
