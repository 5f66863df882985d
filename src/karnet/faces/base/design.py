"""The page that shows every component, with the lines that make it."""

from __future__ import annotations

from datetime import UTC, datetime

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from karnet.faces.base.access import public
from karnet.kernel.outcomes import refused
from karnet.kernel.reasons import Reason


class _Sample(forms.Form):
    name = forms.CharField(label="Name", help_text="As on the invoice.", initial="Guest house Jawor")
    kind = forms.ChoiceField(label="Payment", choices=[("cash", "Cash"), ("card", "Card")])
    amount = forms.DecimalField(label="Amount", error_messages={"invalid": "Write an amount such as 12.50."})
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 2}))
    agreed = forms.BooleanField(label="Print a receipt", required=False)


@public
@require_safe
def design(request: HttpRequest) -> HttpResponse:
    """Show the components."""
    return render(
        request,
        "karnet/design.html",
        {
            "form": _Sample({"name": "Guest house Jawor", "kind": "card", "amount": "12,x"}),
            "refusal": refused(Reason.INSUFFICIENT_FUNDS, available_minor=1250, needed_minor=16000, currency="PLN"),
            "at": datetime(2026, 1, 17, 9, 30, tzinfo=UTC),
            "products": [("Day ticket", 412), ("4 hours", 267), ("30 points", 198), ("7 days", 31)],
            "quarters": [(f"{8 + n // 4:02}:{n % 4 * 15:02}", 20 + (n * 37) % 90) for n in range(32)],
        },
    )
