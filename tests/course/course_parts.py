"""A small assignment, as nbgrader knows it."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook


def about(kind, **more):
    """Return nbgrader's metadata of a cell."""
    return {"nbgrader": {"schema_version": 3, "cell_type": kind, "task": False, **more}}


def solution(name, source):
    """Return a cell that students fill in."""
    return new_code_cell(source, metadata=about("code", grade=False, solution=True, locked=False, grade_id=name))


def tests(name, points, source):
    """Return a cell of tests."""
    more = {"grade": True, "solution": False, "locked": True, "grade_id": name, "points": points}
    return new_code_cell(source, metadata=about("code", **more))


def explanation(name, points, source):
    """Return a cell that is marked by hand."""
    more = {"grade": True, "solution": True, "locked": False, "grade_id": name, "points": points}
    return new_markdown_cell(source, metadata=about("markdown", **more))


def small():
    """Return the source of an assignment that runs in a moment."""
    cells = [
        new_markdown_cell("# Doubling\n\nWrite `double`."),
        new_code_cell("import numpy as np\nimport tlbook as tl\n\nanswers = tl.course.Answers(globals())"),
        solution(
            "double", "def double(x):\n    ### BEGIN SOLUTION\n    return 2 * np.asarray(x)\n    ### END SOLUTION"
        ),
        tests(
            "double-tests",
            3,
            "import numpy as np\n\nassert answers.call('double', 2) == 4, 'twice two is four'\n"
            "### BEGIN HIDDEN TESTS\nfound = answers.call('double', np.array([17, -1]))\n"
            "assert np.array_equal(found, [34, -2]), 'not for every array'\n### END HIDDEN TESTS",
        ),
        new_markdown_cell("**Rubric:** all or nothing.", metadata={"tags": ["teacher"]}),
        solution("seven", "### BEGIN SOLUTION\nseven = 7\n### END SOLUTION"),
        tests("seven-tests", 2, "assert answers['seven'] == 7, 'seven is seven'\nprint('leaderboard: 7')"),
        explanation("why", 4, "Because adding a number to itself doubles it."),
    ]
    notebook = new_notebook(cells=cells, metadata={"tlbook_course": {"minutes": 5, "seconds": 240}})
    notebook.metadata["kernelspec"] = {"display_name": "Python 3", "language": "python", "name": "python3"}
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"c{number}"
    return notebook
