"""Lines of an output stream: whole ones, text that waits for its line end, and progress bars."""

import pytest

from casare_rpa.robot.executors.line_assembler import BAR_SECONDS, HOLD_SECONDS, BarState, LineAssembler

MAX_BYTES = 100


def lines_of(*chunks: bytes) -> list[bytes]:
    lines = LineAssembler(max_line_bytes=MAX_BYTES)
    return [line for chunk in chunks for line in lines.feed(chunk, 0)] + lines.finish()


@pytest.mark.parametrize(
    ("chunks", "lines"),
    [
        ([], []),
        ([b"a\nb\n"], [b"a", b"b"]),
        ([b"a\n\nb"], [b"a", b"", b"b"]),
        ([b"a", b"b\nc", b"\n"], [b"ab", b"c"]),
        ([b"x" * MAX_BYTES + b"\ny"], [b"x" * MAX_BYTES, b"y"]),
        ([b"x" * 101, b"y" * 101, b"z\n"], [b"x" * 101, b"y" * 101, b"z"]),
        ([b"a\r\nb\r\n"], [b"a", b"b"]),
        ([b"a\r", b"\nb\r", b"\n"], [b"a", b"b"]),
    ],
)
def test_lines_are_split_at_line_ends(chunks: list[bytes], lines: list[bytes]) -> None:
    assert lines_of(*chunks) == lines


@pytest.mark.parametrize(
    "chunks",
    [
        [b"1 %\r2 %\r3 %\n"],
        [b"1 %\r", b"2 %\r", b"3 %\r", b"\n"],
        [b"\r1 %", b"\r2", b" %", b"\r3 %", b"\n"],
        [b"1 %\r2 %\r3 %"],
        [b"2 %\r3 %\r   \r\n"],
    ],
)
def test_progress_bar_is_one_line_with_its_last_state(chunks: list[bytes]) -> None:
    assert [line.strip() for line in lines_of(*chunks)] == [b"3 %"]


def test_line_after_a_bar_is_its_own() -> None:
    assert lines_of(b"1 %\r2 %\nnext\n") == [b"2 %", b"next"]


def test_text_without_a_line_end_is_passed_on_after_the_hold_time() -> None:
    lines = LineAssembler()
    lines.feed(b"done\nEnter PIN: ", 10)
    assert lines.due_at() == 10 + HOLD_SECONDS <= 11
    assert lines.take_due(10.4) is None
    assert lines.take_due(10.5) == b"Enter PIN: "
    assert (lines.due_at(), lines.take_due(99)) == (None, None)
    assert lines.feed(b"1234\n", 20) == [b"1234"]


def test_text_that_grows_is_not_held_longer() -> None:
    lines = LineAssembler()
    lines.feed(b".", 0)
    lines.feed(b".", 0.4)
    assert lines.take_due(0.5) == b".."


@pytest.mark.parametrize(("encoding", "text"), [("utf-8", "a€"), ("shift_jis", "aあ")])
def test_character_is_not_cut(encoding: str, text: str) -> None:
    lines, data = LineAssembler(encoding=encoding), text.encode(encoding)
    lines.feed(data[:-1], 0)
    assert lines.take_due(1) == b"a"
    assert lines.feed(data[-1:] + b"\n", 2) == [data[1:]]


def test_event_waits_for_its_line_end() -> None:
    lines = LineAssembler(holds_json=True)
    lines.feed(b' {"type": "result", ', 0)
    assert lines.due_at() is None
    assert lines.feed(b'"value": 1}\n', 99) == [b' {"type": "result", "value": 1}']


def test_states_of_a_bar_come_at_most_twice_a_second_without_colours() -> None:
    lines = LineAssembler()
    states = []
    for tick in range(101):
        lines.feed(b"\r\x1b[32m%d %%\x1b[0m" % tick, tick / 100)
        if (state := lines.take_due(tick / 100)) is not None:
            states.append(state)
    assert states[0] == BarState(b"0 %")
    assert len(states) <= 1 + 1 / BAR_SECONDS
    assert lines.take_due(2) in (BarState(b"100 %"), None)
    assert lines.take_due(9) is None, "nothing has changed"
