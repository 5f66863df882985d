"""`python -m tests.tariffs.compare --cases 100000 [--first SEED]`: engine and oracle, case by case. Ends 1 on a difference."""

from __future__ import annotations

import argparse
import sys
import time
from collections import defaultdict
from fractions import Fraction

from karnet.tariffs.bills import Bill
from karnet.tariffs.checking import problems
from karnet.tariffs.model import from_json, to_json
from karnet.tariffs.rating import Rater
from tests.tariffs.oracle import answer
from tests.tariffs.random_cases import Case


def difference(seed: int) -> str | None:
    """Return in what engine and oracle differ in one case, or None."""
    case = Case(seed)
    tariff, stay = case.tariff, case.stay()
    if found := problems(tariff):
        return f"case {seed}: the tariff has problems: {found}"
    bill = Rater(from_json(to_json(tariff))).rate(stay)
    theirs = answer(tariff, stay)
    ours = (bill.charged_minor, bill.on_top_minor, bill.fees_minor, bill.total_minor)
    ours += (bill.due_minor, bill.returned_minor, bill.kept_minor)
    if ours != theirs[:7]:
        return f"case {seed}: engine {ours}, oracle {tuple(theirs[:7])}\n{tariff}\n{stay}\n{bill}"
    by_clock = clocks(bill)
    if any(by_clock[code] != amount for code, amount in theirs.clocks.items()):
        return f"case {seed}: engine {dict(by_clock)}, oracle {theirs.clocks}\n{tariff}\n{stay}"
    if sum(line.amount for line in bill.lines) != bill.total_minor * bill.denominator:
        return f"case {seed}: the lines do not add up: {bill}"
    return None


def clocks(bill: Bill) -> dict[str, Fraction]:
    """Return what each clock charges, by the lines of a bill."""
    found: dict[str, Fraction] = defaultdict(Fraction)
    for line in bill.lines:
        found[line.clock] += Fraction(line.amount, bill.denominator)
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    began, said = time.monotonic(), time.monotonic()
    for done, seed in enumerate(range(asked.first, asked.first + asked.cases), start=1):
        if found := difference(seed):
            sys.stdout.write(f"{found}\n")
            return 1
        if time.monotonic() - said > 20:
            said = time.monotonic()
            sys.stderr.write(f"{done:,} of {asked.cases:,}\n")
    took = time.monotonic() - began
    sys.stdout.write(f"{asked.cases:,} cases from seed {asked.first}: engine and oracle agree ({took:.0f} s)\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
