"""The process that runs a submission: cells and questions come in on one pipe, outputs and answers go out on another.

It is started inside a sandbox, which takes what a submission may not have. It believes nobody and nobody believes it:
whatever it says is only what a student's notebook says.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sys

CUT = 100_000  # letters of text that one cell may print
PICTURE = 2_000_000  # letters of one picture
OUTPUTS = 100  # of one cell
KEPT = ("text/plain", "text/html", "text/markdown", "image/png")


class _Stream(io.TextIOBase):
    """Standard output of a cell: its beginning is kept, what is too much is counted and dropped."""

    def __init__(self, name: str, outputs: list):
        self.name, self.outputs, self.left = name, outputs, CUT

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        said, self.left = str(text)[: max(self.left, 0)], self.left - len(text)
        if said and self.outputs and self.outputs[-1].get("name") == self.name:
            self.outputs[-1]["text"] += said
        elif said and len(self.outputs) < OUTPUTS:
            self.outputs.append({"output_type": "stream", "name": self.name, "text": said})
        return len(text)

    def end(self) -> None:
        if self.left < 0 and self.outputs:
            text = f"\n… and {-self.left:,} letters more, which were not kept\n"
            self.outputs.append({"output_type": "stream", "name": self.name, "text": text})


def _kept(data: dict) -> dict:
    return {kind: data[kind] for kind in KEPT if isinstance(data.get(kind), str) and len(data[kind]) <= PICTURE}


class Notebook:
    """A shell of IPython whose outputs are collected, cell by cell."""

    def __init__(self):
        from IPython.core.displayhook import DisplayHook
        from IPython.core.displaypub import DisplayPublisher
        from IPython.core.interactiveshell import InteractiveShell

        self.outputs = outputs = []

        class Publisher(DisplayPublisher):
            def publish(self, data, metadata=None, **_):
                if len(outputs) < OUTPUTS:
                    outputs.append({"output_type": "display_data", "data": _kept(data), "metadata": {}})

        class Hook(DisplayHook):
            def write_output_prompt(self):
                pass

            def write_format_data(self, format_dict, md_dict=None):
                data = {"data": _kept(format_dict), "metadata": {}, "execution_count": None}
                outputs.append({"output_type": "execute_result", **data})

        class Shell(InteractiveShell):
            def enable_gui(self, gui=None):  # windows there are none
                pass

            def _showtraceback(self, etype, evalue, stb):
                error = {
                    "ename": etype.__name__,
                    "evalue": str(evalue)[:2_000],
                    "traceback": [x[:5_000] for x in stb[-20:]],
                }
                outputs.append({"output_type": "error", **error})

        Shell.display_pub_class, Shell.displayhook_class = Publisher, Hook
        Shell.history_load_length = 0
        self.shell = Shell.instance()
        self.shell.history_manager.enabled = False

    def run(self, source: str) -> list[dict]:
        """Run a cell, and return what it put out."""
        self.outputs.clear()
        before, streams = (sys.stdout, sys.stderr), [_Stream(name, self.outputs) for name in ("stdout", "stderr")]
        sys.stdout, sys.stderr = streams
        try:
            self.shell.run_cell(source, store_history=True)
        finally:
            sys.stdout, sys.stderr = before
        for stream in streams:
            stream.end()
        return list(self.outputs)


def serve(notebook: Notebook, commands, replies) -> None:
    """Answer commands, a line of JSON each, until there are no more."""
    from tlbook.course import answers

    asked = answers.Answers(notebook.shell.user_ns)
    for line in commands:
        command = json.loads(line)
        try:
            if command["do"] == "run":
                reply = {"outputs": notebook.run(command["source"])}
            elif command["do"] == "call":
                args, kwargs = answers.read(command["args"])
                said = asked.call(command["name"], *args, **kwargs)
                reply = {"answer": answers.write(said)}
            elif command["do"] == "network":
                reply = {"answer": answers.write(asked.network(command["name"]))}
            else:
                reply = {"answer": answers.write(asked[command["name"]])}
        except BaseException as error:  # SystemExit too: only an end of the commands ends this process
            reply = {"wrong": type(error).__name__, "said": str(error)[:2_000]}
        replies.write(json.dumps(reply) + "\n")
        replies.flush()


def main() -> None:
    """Work in a copy of what was handed in, with the pipes whose numbers are the arguments."""
    hand_in, ends = sys.argv[1], [int(number) for number in sys.argv[2:4]]
    notebook = Notebook()  # before there is any file that could stand in IPython's place
    shutil.copytree(hand_in, ".", dirs_exist_ok=True)
    with os.fdopen(ends[0], encoding="utf-8") as commands, os.fdopen(ends[1], "w", encoding="utf-8") as replies:
        serve(notebook, commands, replies)


if __name__ == "__main__":
    main()
