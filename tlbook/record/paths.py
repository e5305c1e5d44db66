"""Where the book's files lie. Read as ``paths.ROOT``, so that a test can move them to a copy."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ROOT / "book" / "chapters"
REGISTER = ROOT / "book" / "reference" / "results.json"
RESULTS = REGISTER.with_name("results.md")
SENTENCES = REGISTER.with_name("sentences.txt")
STORY = ROOT / "book" / "figures" / "story.svg"
RUNS = ROOT / "_build" / "record"  # runs wait here until the last seed is done
