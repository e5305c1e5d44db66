"""Where the project lies of which a copy can be broken."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
