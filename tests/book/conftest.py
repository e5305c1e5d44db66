"""What the checks of the book share."""

import shutil

import pytest
from copies import copy_project


@pytest.fixture
def project(tmp_path_factory):
    """Return a copy of the whole project, at the same place each time: a notebook as it was is not read anew."""
    place = tmp_path_factory.getbasetemp() / "project"
    copy_project(place)
    yield place
    shutil.rmtree(place)
