"""Reads, checks and totals invoices. Plain Python without a dependency on robots, for any Robot Framework run."""

import csv
import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from pathlib import Path
from typing import Any

CENT = Decimal("0.01")
LARGEST = Decimal(10) ** 9
CURRENCIES = {"EUR", "USD", "GBP", "CHF", "PLN", "SEK", "DKK", "NOK", "CZK"}
REQUIRED = ("invoice_number", "supplier", "date", "currency", "total")


class BrokenInvoice(Exception):
    """The reason why an invoice is rejected."""


@dataclass
class Invoice:
    """One invoice; `lines` are (quantity, unit price, VAT percent), `total` is the stated gross amount."""

    number: str
    supplier: str
    currency: str
    total: Decimal
    lines: list[tuple[Decimal, Decimal, Decimal]] = field(default_factory=list)

    def computed_total(self) -> Decimal:
        """The gross total of the lines, each rounded to the cent."""
        gross = (q * price * (100 + vat) / 100 for q, price, vat in self.lines)
        return sum((amount.quantize(CENT, ROUND_HALF_UP) for amount in gross), Decimal(0))


class InvoiceLibrary:
    """Keywords. One instance per run; it keeps the invoices of the run, to find duplicates."""

    ROBOT_LIBRARY_SCOPE = "GLOBAL"

    def __init__(self) -> None:
        self._files = 0
        self._seen: dict[tuple[str, str], str] = {}
        self._accepted: list[Invoice] = []
        self._rejected: list[dict[str, str]] = []

    def find_invoice_files(self, folder: str) -> list[Path]:
        """The .csv and .json files of a folder, sorted by name. Fails when there are none."""
        path = Path(folder)
        if not path.is_dir():
            raise AssertionError(f"{path} is not a folder")
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in (".csv", ".json"))
        if not files:
            raise AssertionError(f"{path} contains no invoice files (.csv, .json)")
        return files

    def read_and_validate(self, file: Path) -> str | None:
        """Checks the invoice in a file; returns the reason for a rejection, or None when it is accepted."""
        self._files += 1
        try:
            invoice = _read(file)
            self._check(invoice, file.name)
        except BrokenInvoice as reason:
            self._rejected.append({"file": file.name, "reason": str(reason)})
            return str(reason)
        self._accepted.append(invoice)
        return None

    def _check(self, invoice: Invoice, name: str) -> None:
        if invoice.currency not in CURRENCIES:
            raise BrokenInvoice(f"unknown currency {invoice.currency!r}")
        if not invoice.lines:
            raise BrokenInvoice("it has no lines")
        for number, (quantity, price, vat) in enumerate(invoice.lines, start=1):
            if quantity <= 0 or price < 0 or vat < 0:
                raise BrokenInvoice(f"line {number}: quantity, price or VAT is negative")
        computed = invoice.computed_total()
        if abs(computed - invoice.total) > CENT:
            raise BrokenInvoice(f"it states a total of {invoice.total}, its lines come to {computed}")
        key = (invoice.supplier.casefold(), invoice.number)
        if key in self._seen:
            raise BrokenInvoice(f"invoice {invoice.number} of {invoice.supplier} is in {self._seen[key]} already")
        self._seen[key] = name

    def write_report(self, path: str) -> dict[str, Any]:
        """Writes the report as Markdown and as JSON; returns its content."""
        totals: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for invoice in self._accepted:
            totals[invoice.supplier][invoice.currency] += invoice.total
        report = Path(path).resolve()
        result = {
            "files": self._files,
            "accepted": len(self._accepted),
            "totals": {s: {c: f"{a:.2f}" for c, a in sorted(t.items())} for s, t in sorted(totals.items())},
            "rejected": self._rejected,
            "report": str(report),
        }
        report.parent.mkdir(parents=True, exist_ok=True)
        report.write_text(_markdown(result), encoding="utf-8")
        report.with_suffix(".json").write_text(json.dumps(result, indent=2, ensure_ascii=False), encoding="utf-8")
        return result


def _markdown(result: dict[str, Any]) -> str:
    lines = ["# Invoices", "", f"{result['accepted']} of {result['files']} accepted.", ""]
    lines += ["| supplier | total | currency |", "|---|---:|---|"]
    for supplier, totals in result["totals"].items():
        lines += [f"| {supplier} | {amount} | {currency} |" for currency, amount in totals.items()]
    lines += ["", "## Rejected", "", "| file | reason |", "|---|---|"]
    lines += [f"| {rejected['file']} | {rejected['reason']} |" for rejected in result["rejected"]]
    return "\n".join(lines) + "\n"


def _read(file: Path) -> Invoice:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise BrokenInvoice("it is not UTF-8 text") from None
    except OSError as error:
        raise BrokenInvoice(f"it cannot be read: {error.strerror}") from None
    if not text.strip():
        raise BrokenInvoice("the file is empty")
    return _from_csv(text) if file.suffix.lower() == ".csv" else _from_json(text)


def _from_json(text: str) -> Invoice:
    try:
        data = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    except json.JSONDecodeError as error:
        raise BrokenInvoice(f"it is not valid JSON: {error.msg} in line {error.lineno}") from None
    if not isinstance(data, dict) or not isinstance(data.get("lines"), list):
        raise BrokenInvoice("it is not an invoice: an object with a list of lines is expected")
    return _invoice(data, data["lines"])


def _from_csv(text: str) -> Invoice:
    delimiter = ";" if text.splitlines()[0].count(";") > text.splitlines()[0].count(",") else ","
    try:
        rows = list(csv.DictReader(text.splitlines(), delimiter=delimiter))
    except csv.Error as error:
        raise BrokenInvoice(f"it is not valid CSV: {error}") from None
    if not rows:
        raise BrokenInvoice("it has no lines")
    if len({row.get("invoice_number") for row in rows}) > 1:
        raise BrokenInvoice("it contains lines of more than one invoice")
    return _invoice(rows[0], rows)


def _invoice(head: dict[str, Any], lines: list[Any]) -> Invoice:
    for name in REQUIRED:
        if not str(head.get(name) or "").strip():
            raise BrokenInvoice(f"{name} is missing")
    try:
        date.fromisoformat(str(head["date"]).strip())
    except ValueError:
        raise BrokenInvoice(f"{head['date']!r} is not a date (YYYY-MM-DD)") from None
    return Invoice(
        number=str(head["invoice_number"]).strip(),
        supplier=str(head["supplier"]).strip(),
        currency=str(head["currency"]).strip().upper(),
        total=_amount(head["total"], "total"),
        lines=[_line(line, number) for number, line in enumerate(lines, start=1)],
    )


def _line(line: Any, number: int) -> tuple[Decimal, Decimal, Decimal]:
    if not isinstance(line, dict):
        raise BrokenInvoice(f"line {number} is not an object")
    names = ("quantity", "unit_price", "vat_percent")
    quantity, price, vat = (_amount(line.get(name), f"line {number}: {name}") for name in names)
    return quantity, price, vat


def _amount(value: Any, name: str) -> Decimal:
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise BrokenInvoice(f"{name}: {value!r} is not a number") from None
    if not amount.is_finite():
        raise BrokenInvoice(f"{name}: {value!r} is not a number")
    if abs(amount) > LARGEST:
        raise BrokenInvoice(f"{name}: {value!r} is too large")
    return amount
