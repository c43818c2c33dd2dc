"""Rows for the documents in `documents/`, each from its number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_TITLES = (
    "Ten thousand certificates before lunch",
    "What a queue may forget",
    "Łódź, Kraków and the long way home",
    "Шрифты, которые читают вслух",
    "Measuring twice, rendering once",
)
_NAMES = (
    "Mara Lindqvist",
    "Tomás Ibáñez",
    "Zofia Wójcik",
    "Илья Громов",
    "Ayşe Demir",
    "Noor de Vries",
    "Grace Okafor",
)
_ARTICLES = ("Footrest, adjustable", "Coat stand", "Drawer unit on castors", "Desk divider, felt", "Lamp, warm white")
_SENTENCE = "Sales grew where deliveries were on time, and shrank where the catalogue was out of date. "


def card(index: int) -> dict[str, Any]:
    """A social card."""
    return {
        "topic": ("Platform", "Design", "Data")[index % 3],
        "title": f"{_TITLES[index % len(_TITLES)]}, part {index + 1}",
        "author": _NAMES[index % len(_NAMES)],
        "role": ("Engineer", "Type designer", "Editor")[index % 3],
    }


def invoice(index: int) -> dict[str, Any]:
    """An invoice with thirty lines."""
    lines = [_line(index * 31 + position) | {"position": position + 1} for position in range(30)]
    return {
        "number": f"FW-{2026_000 + index}",
        "customer": _NAMES[index % len(_NAMES)],
        "street": f"{index % 200 + 1} Long Street",
        "city": ("Lisbon", "Zürich", "Kraków", "Reykjavík")[index % 4],
        "lines": lines,
        "total": f"{sum(float(line['amount']) for line in lines):.2f}",
    }


def report(index: int) -> dict[str, Any]:
    """A report with a title page and nine chapters of a page each."""
    chapters = [_chapter(index * 9 + number, number) for number in range(9)]
    return {"region": f"Region {index + 1}", "author": _NAMES[index % len(_NAMES)], "chapters": chapters}


MAKERS: dict[str, Callable[[int], dict[str, Any]]] = {"card": card, "invoice": invoice, "report": report}


def _line(seed: int) -> dict[str, str]:
    quantity, price = seed * 7 % 12 + 1, seed * 7919 % 90_000 / 100 + 5
    return {
        "text": _ARTICLES[seed % len(_ARTICLES)],
        "quantity": str(quantity),
        "price": f"{price:.2f}",
        "amount": f"{quantity * price:.2f}",
    }


def _chapter(seed: int, number: int) -> dict[str, Any]:
    heights = [(seed * 37 + place * 61) % 100 + 10 for place in range(12)]
    return {
        "name": f"Chapter {number + 1}",
        "text": _SENTENCE * 4,
        "bars": [{"x": place * 41, "y": 120 - height, "height": height} for place, height in enumerate(heights)],
        "rows": [_sold(seed * 14 + place) for place in range(14)],
    }


def _sold(seed: int) -> dict[str, str]:
    net = seed * 7919 % 900_000 / 100
    return {
        "article": _ARTICLES[seed % len(_ARTICLES)],
        "pieces": str(seed * 13 % 500),
        "net": f"{net:.2f}",
        "tax": f"{net * 0.2:.2f}",
        "total": f"{net * 1.2:.2f}",
    }
