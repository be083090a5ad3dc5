"""How far training is, in a terminal and in a file."""

import io
import os
import re
import sys
import textwrap
import types

import pytest

from chainette.errors import ArgumentError
from chainette.training import extensions
from chainette_training.extensions import progress_bar

RICH = "rich draws the bar that moves"


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    for name in "CI", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE":
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    clock = Clock()
    monkeypatch.setattr(progress_bar, "perf_counter", clock)
    return clock


class Run:
    """What a bar sees of a training of 50 iterations an epoch."""

    def __init__(self, clock, length, iteration=0):
        self.clock = clock
        self.stop_trigger = types.SimpleNamespace(**({} if length is None else {"get_training_length": lambda: length}))
        self.updater = types.SimpleNamespace(iteration=iteration, epoch_detail=iteration / 50)

    def go(self, bar, iterations, seconds=0.125):
        """So many iterations, each of so many seconds."""
        for _ in range(iterations):
            self.clock.now += seconds
            self.updater.iteration += 1
            self.updater.epoch_detail = self.updater.iteration / 50
            bar(self)


def written(clock, length=(400, "iteration"), iterations=200, seconds=0.125, iteration=0, out=None, **options):
    out = io.StringIO() if out is None else out
    bar, run = extensions.ProgressBar(out=out, **options), Run(clock, length, iteration)
    bar.initialize(run)
    run.go(bar, iterations, seconds)
    bar.finalize()
    return out.getvalue()


def plain(text):
    """Without control sequences."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.mark.parametrize(
    ("length", "line"),
    [
        ((10, "epoch"), "epoch 2 of 10, iteration 81 of 500, 16 %, 8.00 iterations/s, 0:00:52 left"),
        ((4.5, "epoch"), "epoch 2 of 4.5, iteration 81 of 225, 36 %, 8.00 iterations/s, 0:00:18 left"),
        ((5000, "iteration"), "epoch 2, iteration 81 of 5,000, 1 %, 8.00 iterations/s, 0:10:15 left"),
        (None, "epoch 2, iteration 81, 8.00 iterations/s"),
    ],
)
def test_in_a_file_it_is_a_line_of_text_that_says_all(clock, length, line):
    assert written(clock, length, 100) == f"{line}\n"


def test_in_a_file_there_is_at_most_one_line_in_ten_seconds(clock):
    lines = written(clock, (8000, "iteration"), 1000).splitlines()  # 125 seconds
    assert len(lines) == 12
    assert written(clock, (8000, "iteration"), 75) == ""
    assert len(written(clock, (8000, "iteration"), 5, seconds=60.0).splitlines()) == 5


def test_the_length_is_that_of_the_stop_trigger_unless_one_is_given(clock):
    assert "iteration 81 of 1,000" in written(clock, (400, "iteration"), 100, training_length=(1000, "iteration"))
    assert "epoch 2 of 10" in written(clock, None, 100, training_length=(10, "epoch"))
    assert "iteration 81, 8.00" in written(clock, "for ever", 100)


def test_the_rate_is_that_of_the_last_half_minute_and_the_time_left_counts_this_run_only(clock):
    bar, run = extensions.ProgressBar(out=(out := io.StringIO())), Run(clock, (2000, "iteration"), 1000)
    bar.initialize(run)
    run.go(bar, 480)  # 60 seconds
    run.go(bar, 70, seconds=1.0)
    last = out.getvalue().splitlines()[-1]
    assert ", iteration 1,541 of 2,000, 77 %, 1.00 iterations/s" in last  # 121 seconds for 541
    assert last.endswith("0:01:43 left")


def test_slow_iterations_are_counted_in_seconds_and_fast_ones_without_a_fraction(clock):
    assert "8.33 s/iteration" in written(clock, iterations=20, seconds=8.33)
    assert "1,024 iterations/s" in written(clock, (10**6, "iteration"), 20000, seconds=1 / 1024)


def test_it_is_silent_where_CI_is_set_and_the_output_is_no_terminal(clock, monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert written(clock) == ""
    assert written(clock, out=Terminal()) != ""


def test_in_a_terminal_it_is_one_line_that_moves_and_is_gone_at_the_end(clock):
    pytest.importorskip("rich", reason=RICH)
    text = written(clock, out=Terminal())
    drawings = plain(text).replace("\r", "\n").split("\n")
    last = next(line for line in reversed(drawings) if line.strip())
    assert re.fullmatch(r"iteration 193 of 400 ━+[╸╺]━+ 48 % 8.00 iterations/s 0:00:26 left", last)
    assert text.index("\x1b[?25l") < text.index("iteration") < text.rindex("\x1b[?25h")
    assert text.endswith("\x1b[1A\x1b[2K")
    assert all(len(line.rstrip()) <= 98 for line in drawings)


def test_in_a_terminal_without_a_known_end_it_has_counts_only(clock):
    pytest.importorskip("rich", reason=RICH)
    text = plain(written(clock, None, out=Terminal()))
    assert "epoch 4, iteration 193 8.00 iterations/s" in text
    assert "%" not in text
    assert "━" not in text


def test_the_bar_is_drawn_five_times_a_second_at_most_and_once_at_least(clock):
    pytest.importorskip("rich", reason=RICH)

    def drawings(seconds, **options):
        text = written(clock, (10**6, "iteration"), round(16 / seconds), seconds, out=Terminal(), **options)
        return len(set(re.findall(r"iteration [\d,]+ of", text)))

    assert 70 <= drawings(1 / 1024, update_interval=1) <= 80
    assert drawings(1 / 1024, update_interval=512) == 32
    assert drawings(1 / 4) in (16, 17)
    assert drawings(2.0) == 8


def test_between_drawings_it_looks_at_nothing_but_the_clock(clock):
    bar, run = extensions.ProgressBar(out=io.StringIO()), Run(clock, (10**6, "iteration"))
    run.go(bar, 1)

    class Nothing:
        pass

    for _ in range(1000):
        clock.now += 0.001
        bar(Nothing())


def test_without_rich_a_terminal_gets_lines_of_text(clock, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    assert written(clock, iterations=100, out=Terminal()).startswith("epoch 2, iteration 81 of 400")


def test_a_terminal_that_cannot_move_its_cursor_gets_lines_of_text(clock, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert written(clock, iterations=100, out=Terminal()).startswith("epoch 2, iteration 81 of 400")


def test_what_is_printed_to_a_file_goes_there_also_while_the_bar_is_in_a_terminal(clock, monkeypatch):
    pytest.importorskip("rich", reason=RICH)
    monkeypatch.setattr(sys, "stdout", file := io.StringIO())
    bar, run = extensions.ProgressBar(out=Terminal()), Run(clock, (400, "iteration"))
    bar.initialize(run)
    run.go(bar, 1)
    print("a result")
    bar.finalize()
    assert file.getvalue() == "a result\n"


def test_the_output_is_the_sys_stdout_of_the_time_when_training_begins(clock, capsys):
    bar, run = extensions.ProgressBar(), Run(clock, (400, "iteration"))
    bar.initialize(run)
    run.go(bar, 100)
    assert capsys.readouterr().out.startswith("epoch 2, iteration 81 of 400")


@pytest.mark.parametrize(
    "arguments",
    [{"training_length": (20, "days")}, {"training_length": (0, "epoch")}, {"training_length": 20},
     {"update_interval": 0}, {"bar_length": 0}],
)  # fmt: skip
def test_arguments_that_make_no_sense_are_refused(arguments):
    with pytest.raises(ArgumentError, match=f"ProgressBar: {next(iter(arguments))}="):
        extensions.ProgressBar(**arguments)


PROGRAM = textwrap.dedent("""
    import sys, time
    from chainette.training import Trainer, Updater, extensions

    class Steps(Updater):
        epoch, epoch_detail, previous_epoch_detail, is_new_epoch = 0, 0.0, 0.0, False
        def update(self):
            time.sleep(0.005)
            self.iteration += 1

    def say(trainer):
        print("step", trainer.updater.iteration, flush=True)
        if sys.argv[2] == "error" and trainer.updater.iteration == 200:
            raise RuntimeError("broken")

    length = (10**9 if sys.argv[2] == "interrupt" else 200, "iteration")
    trainer = Trainer(Steps(), length, out=sys.argv[1])
    trainer.extend(extensions.ProgressBar(update_interval=1))
    trainer.extend(say, trigger=(50, "iteration"))
    try:
        trainer.run()
    except KeyboardInterrupt:
        print("interrupted")
""")


class Screen:
    """The lines that a terminal shows, after the few sequences that rich writes."""

    def __init__(self):
        self.lines, self.row, self.column, self.cursor_is_shown = [""], 0, 0, True

    def show(self, text):
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\r|\n|[^\x1b\r\n]+", text):
            if part == "\n":
                self.row += 1
                self.lines += [""] * (self.row == len(self.lines))
            elif part == "\r":
                self.column = 0
            elif part in ("\x1b[?25l", "\x1b[?25h"):
                self.cursor_is_shown = part.endswith("h")
            elif part == "\x1b[2K":
                self.lines[self.row] = ""
            elif part == "\x1b[1A":
                self.row -= 1
            elif not part.startswith("\x1b"):
                line = self.lines[self.row].ljust(self.column)
                self.lines[self.row] = line[: self.column] + part + line[self.column + len(part) :]
                self.column += len(part)
        return self


@pytest.mark.parametrize("end", ["end", "error", "interrupt"])
def test_a_terminal_shows_what_was_printed_above_the_bar_and_is_left_clean(end, tmp_path):
    pytest.importorskip("rich", reason=RICH)
    pty = pytest.importorskip("pty", reason="it takes a pseudo-terminal")
    process, terminal = pty.fork()
    if not process:
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "90", "PYTHONWARNINGS": "ignore"}
        os.execve(sys.executable, [sys.executable, "-c", PROGRAM, str(tmp_path), end], environment)
    text = b""
    try:
        while part := os.read(terminal, 65536):
            text += part
            if end == "interrupt" and b"step 200" in text:
                os.write(terminal, b"\x03")
                end = "interrupted"
    except OSError:  # the other side is closed
        pass
    os.close(terminal)
    os.waitpid(process, 0)
    assert b" iterations/s" in text
    screen = Screen().show(text.decode())
    assert screen.cursor_is_shown
    shown = [line.rstrip() for line in screen.lines if line.rstrip()]
    assert shown[:4] == ["step 50", "step 100", "step 150", "step 200"]
    assert not [line for line in shown if "iterations/s" in line]
    if end == "error":
        assert "RuntimeError: broken" in shown
    elif end == "interrupted":
        assert shown[-1] == "interrupted"
    else:
        assert len(shown) == 4
