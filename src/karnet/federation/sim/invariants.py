"""What must hold when everything has come to rest, whatever happened on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from django.db.models import Model

from karnet.federation.sim.schema import Row, Schema, reader, schema_of
from karnet.federation.sim.server import Disk, Server
from karnet.federation.sim.tables import Tables

Facts: TypeAlias = Mapping[str, Counter[tuple[Any, ...]]]

# What only the home server knows, because the operation that says it is a house matter: orders.shift_closed.
_HOUSE = {"orders_shift": ("closed_at", "closed_origin", "closed_number", "expected", "counted")}


class Broken(AssertionError):
    """Something that must hold does not; the message says what, in words and values."""


def facts(disk: Disk) -> Facts:
    """Return every projected row of a server, by table, with places that mean the same on every server: instead of
    local numbers of origins and operations, the log's name and the index in it."""
    return _facts(disk.tables, disk)


def _facts(tables: Tables, disk: Disk) -> Facts:
    return {
        table.schema.model._meta.db_table: Counter(plain(table.schema, table.rows.values(), disk.origins, disk.places))
        for table in tables
        if table.rows
    }


def plain(
    schema: Schema, rows: Iterable[Row], logs: Mapping[int, str], places: Mapping[tuple[int, int], int]
) -> Iterator[tuple[Any, ...]]:
    """Return rows of a table without what is local: `logs` by origin number, `places` in them by origin and number."""
    read, stamps, origins = _columns(schema.model)
    for row in rows:
        values = list(read(row))
        for origin, number in stamps:
            where = row[origin]
            values.append(where and (logs[where], places.get((where, row[number]), "unsealed")))
        for origin in origins:
            values.append(row[origin] and logs[row[origin]])
        yield tuple(values)


@lru_cache(maxsize=256)
def _columns(
    model: type[Model],
) -> tuple[Callable[[Row], tuple[Any, ...]], tuple[tuple[str, str], ...], tuple[str, ...]]:
    """What reads a table's columns that mean the same everywhere; pairs of columns that say a place; columns of an origin
    alone."""
    schema = schema_of(model)
    house = _HOUSE.get(model._meta.db_table, ())
    names = [name for name in schema.defaults if name not in house]
    origins = [name for name in names if name in ("origin", "origin_id") or name.endswith("_origin")]
    stamps = [(o, o.replace("origin_id", "number").replace("origin", "number")) for o in origins]
    paired = tuple((origin, number) for origin, number in stamps if number in schema.defaults)
    alone = tuple(origin for origin, number in stamps if number not in schema.defaults)
    placed = {name for pair in paired for name in pair} | set(alone)
    return reader([name for name in names if name not in placed]), paired, alone


def same_facts(servers: Sequence[Server]) -> list[Facts]:
    """Every server makes the same of the same operations. Return what each makes."""
    first, *others = servers
    expected = facts(first.disk)
    made = [expected]
    for other in others:
        found = facts(other.disk)
        made.append(found)
        for table in sorted({*expected, *found}):
            here, there = expected.get(table, Counter()), found.get(table, Counter())
            if not _same(here, there):
                raise Broken(
                    f"{table} differs: at {first.name} alone {_some(here - there)}; at {other.name} alone"
                    f" {_some(there - here)}"
                )
    return made


def _same(here: Counter[Any], there: Counter[Any]) -> bool:
    return dict.__eq__(here, there)  # A Counter would look up every row four times; none counts 0.


def _some(rows: Counter[tuple[Any, ...]]) -> str:
    return "; ".join(str(row) for row in list(rows)[:3]) or "nothing"


def rebuilt_is_the_same(server: Server, expected: Facts) -> None:
    """Replaying everything in the order in which it came to be known here makes the tables that are there, `expected`
    (`karnet rebuild`)."""
    disk = server.disk
    replayed = Tables(disk.server)
    for recorded in sorted(disk.recorded, key=lambda recorded: recorded.number):
        replayed.project([recorded], arriving=True)
    found = _facts(replayed, disk)
    for table in sorted({*expected, *found}):
        here, there = expected.get(table, Counter()), found.get(table, Counter())
        if not _same(here, there):
            raise Broken(
                f"{server.name}: a rebuild finds {_some(there - here)} in {table}, which has {_some(here - there)}"
            )


def same_logs(servers: Sequence[Server], cheats: Sequence[str] = ()) -> None:
    """Every server holds every log to the last entry, byte by byte, and has applied it; of those that cheat, as much as
    the others."""
    holders = {server.name: server for server in servers}
    for server in servers:
        for name in server.disk.origins.values():
            whole = holders.get(name, servers[0]).store.log(name)
            held = server.store.log(name)
            if [kept.data for kept in held.entries] != [kept.data for kept in whole.entries]:
                raise Broken(f"{server.name} holds {held.size} entries of {name}, not the {whole.size} there are")
            if name in cheats:
                if server is not servers[0] and held.applied != whole.applied:
                    raise Broken(f"{server.name} has applied {held.applied} of {name}, others {whole.applied}")
            elif held.applied != held.size:
                why = server.disk.quarantines.get(name) or server.disk.waiting.get(name)
                raise Broken(f"{server.name} has applied {held.applied} of {held.size} entries of {name}: {why}")


def nothing_acknowledged_is_lost(servers: Sequence[Server], acknowledged: Mapping[str, Mapping[int, bytes]]) -> None:
    """Whatever the hub cosigned for its server is held by everybody, at the same place."""
    for name, receipts in acknowledged.items():
        for server in servers:
            for size, root in receipts.items():
                held = server.store.log(name).size
                if held < size or server.store.root_at(name, size) != root:
                    raise Broken(f"{server.name} holds {held} of {name}; {size} were acknowledged, with another tree")


def nothing_is_doubled(servers: Sequence[Server]) -> None:
    """No operation was applied twice, in whatever log."""
    for server in servers:
        seen: Counter[bytes] = Counter()
        for log in server.store.all_logs():
            seen.update(kept.data for kept in log.entries[: log.applied])
        doubled = [data for data, times in seen.items() if times > 1]
        if doubled:
            raise Broken(f"{server.name} applied an entry {seen[doubled[0]]} times: {doubled[0][:200]!r}")


def books_balance(servers: Sequence[Server]) -> None:
    """Every unit adds up to nothing; every account holds what its transfers brought; what is lacking shows."""
    for server in servers:
        totals: Counter[str] = Counter()
        moved: Counter[Any] = Counter()
        for row in server.rows("accounts.Transfer").values():
            moved[row["target"]] += row["amount"]
            moved[row["source"]] -= row["amount"]
        for row in server.rows("accounts.Account").values():
            totals[row["unit"]] += row["balance"]
            if row["balance"] != moved[row["id"]]:
                raise Broken(f"{server.name}: account {row['id']} holds {row['balance']}, was given {moved[row['id']]}")
            lacking = 0 if row["overdraft"] is None else row["reserved"] - row["balance"] - row["overdraft"]
            if row["overdrawn"] != max(0, lacking):
                raise Broken(f"{server.name}: account {row['id']} lacks {lacking}, but shows {row['overdrawn']}")
        if any(totals.values()):
            raise Broken(f"{server.name}: the books do not balance: {dict(totals)}")


def house_contents_stay_home(servers: Sequence[Server]) -> None:
    """No server holds what another counted in its drawers."""
    for server in servers:
        for name in server.disk.origins.values():
            for kept in server.store.log(name).entries:
                if kept.content is not None and b'"counted"' in kept.content:
                    raise Broken(f"{server.name} holds a house content of {name}")


def same_settlement_inputs(servers: Sequence[Server], cut: Mapping[str, int]) -> None:
    """Over an equal cut every server selects the same facts that settle (SPEC N5)."""
    expected: Counter[tuple[Any, ...]] | None = None
    for server in servers:
        found = Counter(_settling(server.disk, cut))
        if expected is not None and found != expected:
            raise Broken(f"over the cut {dict(cut)} {server.name} selects other facts: {_some(found - expected)}")
        expected = found


_SETTLING = (
    "accounts.Transfer", "access.Passage", "entitlements.Entitlement", "entitlements.Deposit", "orders.Order",
    "orders.GivenBack", "entitlements.Activation",
)  # fmt: skip


def _settling(disk: Disk, cut: Mapping[str, int]) -> Iterator[tuple[Any, ...]]:
    for label in _SETTLING:
        table = disk.tables.labelled(label)
        for row in table.rows.values():
            log = disk.origins[row["origin"]]
            index = disk.places.get((row["origin"], row["number"]))
            if index is not None and index < cut.get(log, 0):
                key = [row[column] for column in table.schema.primary if column not in ("origin", "number")]
                yield (label, log, index, *key, row.get("amount"), row.get("points"), row.get("price"))


def quarantined_only(servers: Sequence[Server], expected: Mapping[str, int]) -> None:
    """Logs with a bad entry are stopped exactly there, by everybody, and no other log is."""
    for server in servers:
        found = {name: why.index for name, why in server.disk.quarantines.items()}
        why = "; ".join(f"{name}: {why.code}, {why.detail}" for name, why in server.disk.quarantines.items())
        wanted = {name: index for name, index in expected.items() if name != server.name}
        if found != wanted:
            raise Broken(f"{server.name} has put {found} into quarantine, it should be {wanted} ({why})")
