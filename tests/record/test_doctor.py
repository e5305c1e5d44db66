"""`python -m tlbook doctor`: what there is, what is amiss, and how to mend it; it goes on where something is broken."""

import subprocess
import sys

from toy import last_line, tlbook_command

from tlbook import data


def test_doctor_says_what_there_is(toy, tmp_path):
    done = tlbook_command(toy, "doctor", TLBOOK_DATA="", KERAS_HOME=str(tmp_path))
    said = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if not line.startswith("Data"))
    assert list(said) == ["Python", "Profile", "Keras", "Versions", "Seed", *data.all_names(), "our"]
    assert said["Python"].startswith(f"{sys.version.split()[0]} on {sys.platform}")
    assert said["Keras"] == "3.0 on tensorflow, computing on the CPU"
    assert "python -m tlbook data fetch mnist" in said["mnist"]


def test_doctor_says_what_is_amiss(toy):
    for path in (toy / "tlbook" / "weights").iterdir():
        path.unlink()
    (toy / "keras.py").write_text("1 / 0")
    done = tlbook_command(toy, "doctor", TLBOOK_DATA="/nowhere", TLBOOK_PROFILE="fast", TLBOOK_SEED="x")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert last_line(done).startswith("tlbook: this machine: ")
    files = ", ".join(name for name in data.all_names() if name not in (*data.MADE, "mnist_small"))
    assert f"found Profile, Keras, Seed, Data pack, {files}." in last_line(done)
    keras = next(line for line in done.stdout.splitlines() if line.startswith("Keras "))
    assert "ZeroDivisionError: division by zero. To mend it: " in keras
    assert "our own weights              not looked at without Keras" in done.stdout
    assert all("To mend it: " in line for line in done.stdout.splitlines() if "✗" in line)


def test_doctor_blames_a_missing_library_and_says_how_to_get_it(toy):
    (toy / "keras.py").write_text("raise ModuleNotFoundError(\"No module named 'keras'\", name='keras')")
    (toy / "numpy.py").write_text("raise ModuleNotFoundError(\"No module named 'numpy'\", name='numpy')")
    done = tlbook_command(toy, "doctor", KERAS_BACKEND="")
    assert done.returncode == 1
    said = {line[:28].strip(): line[29:] for line in done.stdout.splitlines()}
    assert said["Keras"].startswith("✗ Keras: expected a Python with the book's packages; found no Keras in /")
    assert all("source .venv/bin/activate" in said[name] for name in ("Keras", "Data pack", "data sets"))
    assert "Traceback" not in done.stderr


def test_doctor_says_that_a_setting_of_keras_is_wrong(toy):
    text = (toy / "keras.py").read_text()
    (toy / "keras.py").write_text(text.replace("channels_last", "channels_first"))
    done = tlbook_command(toy, "doctor")
    assert done.returncode == 1
    assert "✗ image_data_format: expected channels_last; found channels_first. To mend it: write" in done.stdout


def test_doctor_says_that_quick_is_what_runs_unless_full_is_asked_for(toy):
    done = tlbook_command(toy, "doctor", TLBOOK_PROFILE="")
    assert "Profile                      quick, since TLBOOK_PROFILE is not set" in done.stdout
    assert "TLBOOK_PROFILE=full make lab" in done.stdout


def test_the_doctor_works_where_standard_error_is_closed(toy):
    command = f'exec "{sys.executable}" -m tlbook doctor 2>&-'
    done = subprocess.run(["sh", "-c", command], cwd=toy, capture_output=True, text=True, timeout=600)
    assert "Keras                        3.0 on tensorflow" in done.stdout


def test_the_doctor_goes_on_after_a_broken_list_of_data_sets(toy):
    (toy / "tlbook" / "files.toml").write_text("<<<<<<< HEAD\n")
    done = tlbook_command(toy, "doctor")
    assert done.returncode == 1
    said = {line[:28].strip(): line[29:] for line in done.stdout.splitlines()}
    assert "files.toml: expected the list of data sets that was shipped" in said["data sets"]
    assert said["Seed"] == "0" and "our own weights" in said
