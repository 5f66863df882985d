"""Forms of the foundation."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _


class LogInForm(forms.Form):
    """User name and password. Whether they fit is for the view to find out, after the lockout agreed."""

    username = forms.CharField(
        label=_("User name"),
        max_length=64,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false", "autofocus": True}
        ),
    )
    password = forms.CharField(
        label=_("Password"),
        max_length=256,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class CodeForm(forms.Form):
    """A one-time password of six digits."""

    code = forms.RegexField(
        r"^\s*\d{3}\s?\d{3}\s*$",
        label=_("Code"),
        help_text=_("The six digits that your authenticator shows now."),
        error_messages={"invalid": _("Enter six digits.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "class": "code", "autofocus": True}
        ),
    )

    @property
    def digits(self) -> str:
        """The code without spaces, once the form is valid."""
        return "".join(self.cleaned_data["code"].split())


class RecoveryForm(forms.Form):
    """A recovery code, or a one-time password, whichever is at hand."""

    code = forms.RegexField(
        r"^\s*(\d{3}\s?\d{3}|[A-Za-z2-7]{4}([ -]?[A-Za-z2-7]{4}){3})\s*$",
        label=_("Code"),
        help_text=_("The six digits that your authenticator shows now, or one of your recovery codes."),
        error_messages={"invalid": _("Enter six digits, or a recovery code such as ABCD-EFGH-JKLM-NPQR.")},
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "class": "code", "autofocus": True, "autocapitalize": "characters"}
        ),
    )

    @property
    def digits(self) -> str:
        """The code without spaces and dashes, once the form is valid."""
        return "".join(self.cleaned_data["code"].replace("-", "").split())
