"""The results register: one row a number, with its value in every seed."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import numpy as np

from tlbook import disk
from tlbook.claims import UNITS, fits
from tlbook.record import paths
from tlbook.run import require


def rows(path: Path | None = None) -> list[dict]:
    """Return the register, or another one: a dict a number. `TlbookError` if its file holds something else."""
    path = path or paths.REGISTER
    if not path.exists():
        return []
    try:
        kept, found = json.loads(disk.read_text(path)), "a row of another kind"
        good = isinstance(kept, list) and all(map(_is_row, kept))
        names = [(row["chapter"], row["name"]) for row in kept] if good else []
        if twice := sorted({".".join(name) for name in names if names.count(name) > 1}):
            good, found = False, f"{twice[0]} twice"
    except (ValueError, RecursionError) as error:
        good, found = False, error
    do = f"git checkout -- {shlex.quote(str(path))}   and record again what it lost"
    require(good, str(path), "the rows that the recorder wrote", found, do)
    return kept


def _is_row(row) -> bool:
    match row:
        case {"chapter": str(), "name": str(), "unit": str(unit), "profile": str(), "dataset": str()}:
            values, seeds = row.get("values"), row.get("seeds")
            good = isinstance(values, list) and isinstance(seeds, list) and unit in UNITS and 0 < len(values)
            numbers = [*values, row.get("mean"), row.get("sd")] if good else []
            good = good and all(type(number) in (int, float) and fits(number, unit) for number in numbers)
            good = good and all(type(seed) is int for seed in seeds) and len(set(seeds)) == len(seeds) == len(values)
            return good and np.allclose(numbers[-2:], _mean_and_sd(values), rtol=1e-9, atol=1e-12)
    return False


def _mean_and_sd(values: list[float]) -> tuple[float, float]:
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def row(name: str, runs: list[dict]) -> dict:
    """Make the register's row of one number from the runs of all seeds."""
    values, first = [run["numbers"][name] for run in runs], runs[0]
    mean, sd = _mean_and_sd(values)
    which = {"chapter": first["chapter"], "name": name, "profile": first["profile"], **first["about"][name]}
    return {**which, "mean": mean, "sd": sd, "seeds": [run["seed"] for run in runs], "values": values}
