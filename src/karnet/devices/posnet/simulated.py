"""A fiscal printer, sans I/O: it checks frames and sums as a real one does, keeps totals and counters, and its paper.

Commands are done one after the other; one that needs paper waits while there is none, and all behind it wait with it.
Those asked with "!" are answered at once.
"""

from __future__ import annotations

from collections.abc import Callable

from karnet.devices.posnet.characters import CodePage, decoded, goods_key
from karnet.devices.posnet.commands import LETTERS
from karnet.devices.posnet.frames import Frame
from karnet.kernel.money import vat_included

WIDTH = 40
RATES = (2300, 800, 500, 0, 10_100, 10_100, 10_000)
"""A 23 %, B 8 %, C 5 %, D 0 %, G exempt."""

_PAYMENTS = {0: "GOTÓWKA", 2: "KARTA", 3: "CZEK", 4: "BON", 5: "KREDYT", 6: "INNA", 7: "VOUCHER", 8: "PRZELEW"}
_NEEDS_PAPER = ("trinit", "trline", "trpayment", "trend", "trcancel", "prncancel", "stocash", "dailyrep")

UNKNOWN, MISSING, BAD_VALUE, BAD_FIELD_LENGTH = 1, 2, 3, 10
EMPTY, BAD_RATE, NO_TRANSACTION, BAD_PRICE, BAD_QUANTITY = 1992, 2000, 2005, 2006, 2007
IN_TRANSACTION, NOTHING_TO_CLOSE, PAYMENTS_SHORT, RATE_BLOCKED = 2038, 2039, 2054, 2106
BAD_DATE = 2024
LINE_SUM, END_SUM, PACK_SUM, PAYMENT_SUM, CHANGE_SUM = 2802, 2805, 2806, 2808, 2809


class Refusal(Exception):
    """A command is refused, by the number the printer answers."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class _Transaction:
    def __init__(self) -> None:
        self.totals = [0] * 7
        self.paid = self.change = self.packs = self.lines = 0


class SimulatedPrinter:
    """Its state survives a loss of power; an open transaction does so only with `keeps_transaction`."""

    def __init__(self, number: str = "ZBF 1801007587", page: CodePage = "cp1250") -> None:
        self.number, self.page = number, page
        self.rates = list(RATES)
        self.paper: list[str] = []
        self.has_paper = self.closed = True
        self.keeps_transaction = False
        self.clock = "2026-01-17;12:00"
        self.totals = [0] * 7
        self.receipts = self.last_number = self.cancelled = self.reports = self.headers = 0
        self.receipts_ever = 0
        self._goods: dict[str, int] = {}
        self._open: _Transaction | None = None
        self._last = [0] * 7
        self._done: dict[str, Callable[[Frame], dict[str, str]]] = {
            "trinit": self._trinit, "trline": self._trline, "trpack": self._trpack, "trnipset": self._trnipset,
            "trpayment": self._trpayment, "trend": self._trend, "trcancel": self._trcancel,
            "prncancel": self._trcancel, "stocash": self._stocash, "dailyrep": self._dailyrep,
            "scomm": self._scomm, "scnt": self._scnt, "strns": self._strns, "stot": self._stot,
            "vatget": self._vatget, "rtcget": self._rtcget, "sprn": self._sprn, "sdev": self._sdev,
        }  # fmt: skip

    def must_wait(self, frame: Frame) -> bool:
        """Tell whether a command can only be done once there is paper and the cover is closed."""
        return frame.command in _NEEDS_PAPER and not (self.has_paper and self.closed)

    def answer(self, frame: Frame) -> Frame:
        """Do a command and return the answer."""
        do = self._done.get(frame.command.removeprefix("!"))
        try:
            if do is None or (frame.command.startswith("!") and frame.command not in ("!sprn", "!sdev")):
                raise Refusal(UNKNOWN)
            fields = do(frame)
        except Refusal as refusal:
            return Frame(command=frame.command, token=frame.token, error=refusal.code)
        told = {name: value.encode("cp1250") for name, value in fields.items()}
        return Frame(command=frame.command, token=frame.token, fields=told)

    def lose_power(self) -> None:
        """Be switched off and on again: what was open is cancelled when the power is back."""
        if self._open is not None and not self.keeps_transaction:
            self._cancel("ZANIK ZASILANIA")

    def _trinit(self, frame: Frame) -> dict[str, str]:
        if self._open is not None:
            raise Refusal(IN_TRANSACTION)
        self._open, self._last = _Transaction(), [0] * 7
        self._header("PARAGON FISKALNY")
        return {}

    def _trline(self, frame: Frame) -> dict[str, str]:
        running, name = self._running(), self._text(frame, "na", 80)
        number, price = _needed(frame, "vt"), _needed(frame, "pr")
        quantity = frame.number("il") if "il" in frame.fields else 1
        if number > 6 or self.rates[number] == 10_100:
            raise Refusal(BAD_RATE)
        if price <= 0:
            raise Refusal(BAD_PRICE)
        if not quantity:
            raise Refusal(BAD_QUANTITY)
        if not goods_key(name):
            raise Refusal(BAD_VALUE)
        amount = price * quantity
        if frame.fields.get("wa") and frame.number("wa") != amount:
            raise Refusal(LINE_SUM)
        # Goods once sold at a lower rate are not sold at a higher one again.
        rate = 0 if self.rates[number] == 10_000 else self.rates[number]
        if self._goods.setdefault(goods_key(name), rate) < rate:
            raise Refusal(RATE_BLOCKED)
        self._goods[goods_key(name)] = rate
        running.totals[number] += amount
        running.lines += 1
        self._print(name, f"{quantity} x{_money(price)} {_money(amount)}{LETTERS[number].upper()}")
        return {}

    def _trpack(self, frame: Frame) -> dict[str, str]:
        running, amount = self._running(), _needed(frame, "pr")
        running.packs += amount
        self._print(self._text(frame, "de", 50) or "Opakowanie zwr.", _money(amount))
        return {}

    def _trnipset(self, frame: Frame) -> dict[str, str]:
        self._running()
        self._print("NABYWCA:", self._text(frame, "ni", 30))
        return {}

    def _trpayment(self, frame: Frame) -> dict[str, str]:
        running, kind, amount = self._running(), _needed(frame, "ty"), _needed(frame, "wa")
        if not running.lines:
            raise Refusal(EMPTY)
        if kind not in _PAYMENTS or amount <= 0:
            raise Refusal(BAD_VALUE)
        if frame.truth("re"):
            running.change += amount
            self._print(f"RESZTA {_PAYMENTS[kind]}", _money(amount))
        else:
            running.paid += amount
            self._print(_PAYMENTS[kind], _money(amount))
        return {}

    def _trend(self, frame: Frame) -> dict[str, str]:
        running = self._running()
        gross, due = sum(running.totals), sum(running.totals) + running.packs
        if not running.lines:
            raise Refusal(EMPTY)
        for name, ours, code in (
            ("to", gross, END_SUM), ("fp", running.paid, PAYMENT_SUM), ("re", running.change, CHANGE_SUM),
            ("op", running.packs, PACK_SUM),
        ):  # fmt: skip
            if name in frame.fields and frame.number(name) != ours:
                raise Refusal(code)
        if running.paid and running.paid - running.change != due:
            raise Refusal(PAYMENTS_SHORT)
        for number, amount in enumerate(running.totals):
            if amount:
                letter, rate = LETTERS[number].upper(), 0 if self.rates[number] == 10_000 else self.rates[number]
                self._print(f"SPRZEDAŻ OPODATKOWANA {letter}", _money(amount))
                self._print(f"PTU {letter} {rate / 100:g} %", _money(vat_included(amount, rate)))
            self.totals[number] += amount
        self._print("SUMA PLN", _money(gross))
        self.receipts += 1
        self.receipts_ever += 1
        self.last_number += 1
        self._footer(f"{self.last_number:05d}")
        self._last, self._open = running.totals, None
        return {}

    def _trcancel(self, frame: Frame) -> dict[str, str]:
        if self._open is None:
            raise Refusal(NO_TRANSACTION)
        self._cancel("TRANSAKCJA ANULOWANA")
        return {}

    def _stocash(self, frame: Frame) -> dict[str, str]:
        amount = _needed(frame, "kw")
        if self._open is not None:
            raise Refusal(IN_TRANSACTION)
        self._header("N I E F I S K A L N Y")
        self._print("Zwrot towaru", _money(amount))
        self._footer("")
        return {}

    def _dailyrep(self, frame: Frame) -> dict[str, str]:
        if self._open is not None:
            raise Refusal(IN_TRANSACTION)
        if "da" in frame.fields and frame.fields["da"] != self.clock[:10].encode():
            raise Refusal(BAD_DATE)
        self._header("RAPORT FISKALNY DOBOWY")
        for number, amount in enumerate(self.totals):
            if amount:
                self._print(f"SPRZEDAŻ {LETTERS[number].upper()}", _money(amount))
        self._print("ILOŚĆ PARAGONÓW", str(self.receipts))
        self.reports += 1
        self.totals = [0] * 7
        self.receipts = self.last_number = 0
        self._footer("")
        return {}

    def _scomm(self, frame: Frame) -> dict[str, str]:
        zero = not any(self.totals)
        return {"fs": "T", "tz": "T" if zero else "N", "ts": "16" if self._open else "0", "hr": "T", "nu": self.number}

    def _scnt(self, frame: Frame) -> dict[str, str]:
        counters = {"rd": self.reports, "hn": self.headers, "bn": self.receipts, "fn": 0}
        more = {"bc": self.cancelled, "bt": self.last_number, "fc": 0}
        return {name: str(value) for name, value in {**counters, **more}.items()} | {"nu": self.number}

    def _strns(self, frame: Frame) -> dict[str, str]:
        totals = self._open.totals if self._open else self._last
        told = {f"v{letter}": str(totals[number]) for number, letter in enumerate(LETTERS)}
        return {"to": "1" if self._open else "0", "ts": "16", **told}

    def _stot(self, frame: Frame) -> dict[str, str]:
        told = {f"p{letter}": str(self.totals[number]) for number, letter in enumerate(LETTERS)}
        return {"no": str(self.reports + 1), **told, "pn": str(self.receipts), "cn": str(self.cancelled)}

    def _vatget(self, frame: Frame) -> dict[str, str]:
        return {
            f"v{letter}": f"{rate // 100},{rate % 100:02d}" for letter, rate in zip(LETTERS, self.rates, strict=True)
        }

    def _rtcget(self, frame: Frame) -> dict[str, str]:
        return {"da": self.clock}

    def _sprn(self, frame: Frame) -> dict[str, str]:
        return {"pr": "1" if not self.closed else "5" if not self.has_paper else "0"}

    def _sdev(self, frame: Frame) -> dict[str, str]:
        return {"ds": "0", "cp": "T", "qe": "T", "pe": "N", "tl": "0"}

    def _running(self) -> _Transaction:
        if self._open is None:
            raise Refusal(NO_TRANSACTION)
        return self._open

    def _cancel(self, why: str) -> None:
        self._print(why, "")
        self.cancelled += 1
        self.last_number += 1
        self._footer(f"{self.last_number:05d}")
        self._open = None

    def _header(self, title: str) -> None:
        self.headers += 1
        self.paper += ["", f"nr:{self.headers}".rjust(WIDTH), title.center(WIDTH).rstrip()]

    def _footer(self, number: str) -> None:
        self.paper += [f"{number}".ljust(WIDTH - len(self.number)) + self.number, "-" * WIDTH]

    def _print(self, left: str, right: str) -> None:
        room = WIDTH - len(right) - 1
        while len(left) > room > 0 and right:
            self.paper.append(left[:WIDTH])
            left = left[WIDTH:]
        self.paper.append((left.ljust(room) + " " + right).rstrip())

    def _text(self, frame: Frame, name: str, longest: int) -> str:
        text = decoded(frame.fields.get(name, b""), self.page)
        if len(text) > longest:
            raise Refusal(BAD_FIELD_LENGTH)
        return text


def _needed(frame: Frame, name: str) -> int:
    if name not in frame.fields:
        raise Refusal(MISSING)
    value = frame.number(name)
    if value is None or b"," in frame.fields[name] or b"." in frame.fields[name]:
        raise Refusal(BAD_VALUE)
    return value


def _money(minor: int) -> str:
    return f"{minor // 100},{minor % 100:02d}"
