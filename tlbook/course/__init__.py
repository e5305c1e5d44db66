"""Coursework, for teachers: assignments are built from one source, and submissions are graded safely.

One way leads through these files, from top to bottom:

- `answers` and `networks`: what a notebook answers to a test, as plain values;
- `worker`: runs a submission's cells, inside the sandbox;
- `sandbox`: what a submission may see, touch and use up;
- `merge`: a submission's solutions, set into the notebook that was handed out;
- `sources`: the assignments, a notebook each with solutions, tests and what only teachers see;
- `execute` and `config`: nbgrader's steps that are ours, above all that a submission runs in the sandbox;
- `build`: a course's folder, from the sources to what is handed out;
- `grade`: a whole class, from what was handed in to scores, feedback and tables;
- `slides` and `kit`: what teachers show and keep.

An assignment's notebook needs `Answers` alone; the rest needs the extra ``teach``.
"""

from tlbook.course.answers import Answers

__all__ = ["Answers"]
