"""The recorder, for authors: it runs a chapter once for each seed, and writes what came out into the book.

One way leads through these files, from top to bottom:

- `code`: what a chapter's code means, and what of `tlbook` it reaches;
- `fingerprint`, `store` and `calls`: dear calls of a run, answered by what an earlier run gave;
- `runs`: one run of a chapter, and the file that is kept of it;
- `register`: the rows of numbers that the runs of all seeds make;
- `pages`: what is written from the rows, in chapters, pages and figures;
- `conditions` and `prose`: what each sentence rests on, and whether that holds;
- `book`: all of it together, for one chapter.

Nothing here is needed to read or run the book.
"""

from tlbook.record.code import code_digest, definitions

__all__ = ["code_digest", "definitions"]
