"""Two recordings at once do not write over each other."""

import json
import threading

from toy import ROW, TOY, tree

from tlbook.__main__ import main
from tlbook.record import book, paths, register
from tlbook.record.alone import alone


def test_a_chapter_that_is_being_recorded_is_not_recorded_twice(again, capsys):
    root, ran = again
    before = tree(root)
    with alone(paths.RUNS / f"{TOY}.lock"):
        assert main(["record", TOY]) == 1
    assert f"tlbook: {TOY}: expected one recording at a time; found another one" in capsys.readouterr().err
    assert ran == [] and tree(root) == before


def test_who_writes_the_book_waits_for_another_and_keeps_what_that_one_wrote(again):
    writing = threading.Thread(target=book.record, args=(TOY, [0, 1]))
    with alone(paths.RUNS / "book.lock"):
        writing.start()
        writing.join(5)
        assert writing.is_alive()
        rows = json.loads(paths.REGISTER.read_text(encoding="utf-8"))
        paths.REGISTER.write_text(json.dumps([*rows, ROW]), encoding="utf-8")  # of another chapter
    writing.join(60)
    assert not writing.is_alive()
    assert [row["chapter"] for row in register.rows()] == [TOY, "02_x"]
