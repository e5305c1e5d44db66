"""Coursework, for teachers: assignments are built from one source, and submissions are graded safely.

One way leads through these files, from top to bottom:

- `answers`: what a notebook answers to a test, as plain values;
- `worker`: runs a submission's cells, inside the sandbox;
- `sandbox`: what a submission may see, touch and use up;
- `merge`: a submission's solutions, set into the notebook that was handed out;
- `build`: from the sources to what is handed out, and to the teacher's kit;
- `execute`: nbgrader's step that runs a submission, done in the sandbox;
- `grade`: a whole class, from what was handed in to scores, feedback and tables.

An assignment's notebook needs `Answers` alone; the rest needs the extra ``teach``.
"""

from tlbook.course.answers import Answers

__all__ = ["Answers"]
