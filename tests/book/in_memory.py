"""The book as it is, read once, and others that differ from it in a part."""

import copy

from copies import ROOT

from tlbook.record.conditions import Book

BOOK = Book(ROOT)


def other_book(**parts) -> Book:
    """Return the book in memory with other pages, chapters or numbers."""
    book = copy.copy(BOOK)
    vars(book).update(parts)
    return book
