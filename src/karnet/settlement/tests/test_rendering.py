"""Reports as files and tables: exact bytes, amounts with the decimals of the currency, and what a changed file is told."""

from __future__ import annotations

import msgspec
import pytest

from karnet.kernel import canonical
from karnet.settlement.rendering import as_text, report_sheets
from karnet.settlement.rules.report import ReportFault, differing_fields, digest, read_report, report_file
from karnet.settlement.rules.totals import Totals
from karnet.settlement.tests.small import A, B, C, day_ticket, passages, report_of, terms


def report():
    totals = Totals(terms())
    visits = (passages(A, *["1.00"] * 4), passages(B, *["1.50"] * 3), passages(C, *["2.25"] * 2))
    totals.add_tickets(1, day_ticket(17500), visits)
    totals.add_deposits(A, 1000, C, 1000)
    totals.add_deposits(B, 3000, None, 0)
    return report_of(totals)


def test_a_settlement_reads_as_tables_with_two_decimals() -> None:
    assert as_text(report_sheets(report(), "Europe/Warsaw")).splitlines() == [
        "Settlement 2026/27, until 2027-01-17 19:00:00, in PLN",
        "agreement 0000000000000000…, cut karnet.test/log at 100",
        "facility  tickets  passages  collected  by points  by passages  unused  over price  earned  deferred"
        "  deposits  to receive (+)",
        "--------  -------  --------  ---------  ---------  -----------  ------  ----------  ------  --------"
        "  --------  --------------",
        "A               1         4     175.00       0.00        49.23    0.00       15.00   64.23      0.00"
        "    -10.00         -120.77",
        "B               0         3       0.00       0.00        55.39    0.00        0.00   55.39      0.00"
        "      0.00           55.39",
        "C               0         2       0.00       0.00        55.38    0.00        0.00   55.38      0.00"
        "     10.00           65.38",
        "--------  -------  --------  ---------  ---------  -----------  ------  ----------  ------  --------"
        "  --------  --------------",
        "all             1         9     175.00       0.00       160.00    0.00       15.00  175.00      0.00"
        "      0.00            0.00",
        "",
        "Who owes whom",
        "debtor  creditor  for tickets  for deposits  after set-off",
        "------  --------  -----------  ------------  -------------",
        "A       B               55.39          0.00          55.39",
        "A       C               55.38         10.00          65.38",
        "",
        "Payments that settle everything",
        "from  to    PLN",
        "----  --  -----",
        "A     C   65.38",
        "A     B   55.39",
        "",
        "Beside the settlement",
        "facility  deposits still out",
        "--------  ------------------",
        "B                      30.00",
    ]


@pytest.mark.parametrize(("currency", "shares"), [("JPY", {"6538", "-12077"}), ("KWD", {"6.538", "-12.077"})])
def test_amounts_have_the_decimals_of_the_agreements_currency(currency: str, shares: set[str]) -> None:
    figures, pairs, payments, beside = report_sheets(msgspec.structs.replace(report(), currency=currency))
    assert shares <= {row[-1] for row in figures.rows}
    assert {row[1] for row in figures.rows} == {"0", "1"}, "counts are no amounts"
    (largest, *_) = (row[-1] for row in payments.rows)
    assert largest in shares
    assert pairs.rows[1][-1] == largest
    amounts = {cell for sheet in (pairs, payments) for row in sheet.rows for cell in row[2:]} | {beside.rows[0][-1]}
    places = {"JPY": 0, "KWD": 3}[currency]
    assert {len(amount.partition(".")[2]) for amount in amounts} == {places}


def test_a_report_file_reads_back_and_its_digest_is_that_of_its_canonical_bytes() -> None:
    given = report()
    data = msgspec.json.format(canonical.encode(report_file(given)))
    found = read_report(data)
    assert found.report == given
    assert canonical.encode(found.report) == canonical.encode(given)
    assert found.sha256 == digest(given)


def test_a_figure_changed_in_a_file_is_noticed_even_before_recomputing() -> None:
    data = canonical.encode(report_file(report()))
    with pytest.raises(ReportFault, match="somebody changed"):
        read_report(data.replace(b'"time":5539', b'"time":5540'))


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"\xff", b'{"report":{},"sha256":""}'])
def test_what_is_no_report_is_told_so(data: bytes) -> None:
    with pytest.raises(ReportFault, match="no settlement report"):
        read_report(data)


def test_a_report_of_another_format_asks_for_a_newer_karnet() -> None:
    other = msgspec.structs.replace(report(), format="karnet.settlement.report/9")
    with pytest.raises(ReportFault, match="update Karnet"):
        read_report(canonical.encode(report_file(other)))


def test_two_reports_are_compared_field_by_field() -> None:
    given = report()
    other = msgspec.structs.replace(given, season="2025/26")
    assert differing_fields(given, other) == {"season": ("2026/27", "2025/26")}
    assert differing_fields(given, given) == {}
