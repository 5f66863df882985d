"""Projection of agreements and closings."""

from __future__ import annotations

from karnet.journal.operations import Recorded
from karnet.journal.projection import Insert, InsertOrSetEarlier, Write, projects, stamped
from karnet.kernel import canonical
from karnet.settlement import models
from karnet.settlement.operations import AgreementProposed, AgreementPublished, AgreementSigned, Closed
from karnet.settlement.rules.agreements import canonical_text


class _Closing(Insert):
    """Closes periods in the name of the server that proposed the agreement alone, so that one closing follows another
    (docs/federation.md, home-only)."""

    def statement(self) -> str:
        names = ", ".join(map(self._column, self.columns))
        chosen = ", ".join(f"d.{self._column(name)}" for name in self.columns)
        return (
            f"INSERT INTO settlement_closing ({names}) SELECT {chosen} FROM {self._unnest()}"
            " JOIN settlement_agreement a ON a.id = d.agreement_id AND a.origin = d.origin ON CONFLICT DO NOTHING"
        )


class _Signature(Insert):
    """Signs texts in the name of facilities that they name as members: whoever else signed would stand in for one whose
    signature is missing."""

    def statement(self) -> str:
        names = ", ".join(map(self._column, self.columns))
        chosen = ", ".join(f"d.{self._column(name)}" for name in self.columns)
        return (
            f"INSERT INTO settlement_signature ({names}) SELECT {chosen} FROM {self._unnest()}"
            " JOIN settlement_agreement a ON a.id = d.agreement_id"
            " AND convert_from(a.text, 'UTF8')::jsonb -> 'members' ? d.member_id::text ON CONFLICT DO NOTHING"
        )


# The same text may be proposed by two servers at once: it is one agreement.
AGREEMENT = InsertOrSetEarlier(
    models.Agreement,
    ["id", "sha256", "text", "season", "valid_from", "valid_until", "published", "replaces"],
    {"": []},
)
PROPOSAL = Insert(models.Proposal, ["agreement", "published", "at", "origin", "number"])
SIGNATURE = _Signature(models.Signature, ["agreement", "member", "actor", "at", "origin", "number"])
CLOSING = _Closing(
    models.Closing,
    ["id", "agreement", "sequence", "period_end", "until", "cut", "report_sha256", "at", "origin", "number"],
)
AMOUNT = Insert(models.ClosingAmount, ["closing", "n", "facility", "kind", "creditor", "amount"])


@projects(AgreementPublished)
def agreement_published(part: AgreementPublished, recorded: Recorded, write: Write) -> None:
    _agreement(part, recorded, write, published=True)


@projects(AgreementProposed)
def agreement_proposed(part: AgreementProposed, recorded: Recorded, write: Write) -> None:
    _agreement(part, recorded, write, published=False)


@projects(AgreementSigned)
def agreement_signed(part: AgreementSigned, recorded: Recorded, write: Write) -> None:
    write(SIGNATURE, (part.agreement, part.member, recorded.entry.actor, *stamped(recorded)))


def _agreement(
    part: AgreementPublished | AgreementProposed, recorded: Recorded, write: Write, *, published: bool
) -> None:
    write(
        AGREEMENT,
        (
            part.id,
            bytes.fromhex(part.sha256),
            canonical_text(part.text),
            part.text.season,
            part.valid_from,
            part.valid_until,
            published,
            part.text.replaces,
            recorded,
        ),
    )
    write(PROPOSAL, (part.id, published, *stamped(recorded)))


@projects(Closed)
def closed(part: Closed, recorded: Recorded, write: Write) -> None:
    write(
        CLOSING,
        (
            part.id,
            part.agreement,
            part.sequence,
            part.period_end,
            part.until,
            canonical.encode(part.cut).decode(),
            bytes.fromhex(part.report_sha256),
            *stamped(recorded),
        ),
    )
    for n, amount in enumerate(part.amounts):
        write(AMOUNT, (part.id, n, amount.facility, amount.kind, amount.creditor, amount.amount))
