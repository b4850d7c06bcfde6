"""The comparison with other job queues: ends are counted in the store, and the table has the records of each system."""

import sys
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest

from bench import fan_out, queues
from bench.figures import Figures
from bench.queues import PROGRAMS, Program
from bench.systems import FAN_OUT, QUEUES, System, comparison
from bench.turns import Counted, Queue, turn


def queue(submitted: int, counts: Iterator[Counted]) -> Queue:
    """A queue with these numbers in its store, one after the other."""

    async def begin() -> None: ...

    async def stop() -> int:
        return submitted

    async def count() -> Counted:
        return next(counts)

    return Queue(begin, stop, count)


async def test_rate_is_that_of_the_ends_in_the_store() -> None:
    of = await turn(queue(500, map(Counted, (100, 300, 400, 500))), 0.1, warm_seconds=0)
    assert 1_000 < of.rate <= 2_000
    assert of.recorded is None
    assert of.flushes is None


async def test_recorded_steps_and_flushes_are_those_between_both_counts() -> None:
    counts = (Counted(100, 490, 7), Counted(300, 1_510, 27), Counted(500, 2_500, 40))
    of = await turn(queue(500, iter(counts)), 0.1, warm_seconds=0)
    assert of.recorded == pytest.approx(of.rate * 5.1)
    assert of.flushes == pytest.approx(0.1)


async def test_job_that_ran_twice_fails_the_measurement() -> None:
    with pytest.raises(RuntimeError, match="500 jobs were submitted, and 501 are in the store as ended"):
        await turn(queue(500, map(Counted, (100, 300, 501))), 0.01, warm_seconds=0)


async def test_lost_job_fails_the_measurement() -> None:
    with pytest.raises(TimeoutError):
        await turn(queue(500, repeat(Counted(499))), 0.01, warm_seconds=0, wait_seconds=0.1)


def test_program_that_is_not_installed_is_left_out_with_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "node"
    assert not Program((missing, "x.mjs"), "").is_here("pg-boss")
    assert capsys.readouterr().err == f"pg-boss is not measured: {missing} is not installed here\n"
    missing.touch()
    assert Program((missing, "x.mjs"), "").is_here("pg-boss")
    assert capsys.readouterr().err == ""


def test_every_measured_queue_has_its_records_and_guarantees() -> None:
    ours = {"casare", queues.OURS_WITH_DASHBOARDS, queues.OURS_ON_POSTGRES, queues.OURS_WITH_AGENT}
    assert QUEUES.keys() == {*ours, *PROGRAMS}


def test_every_measured_server_of_messages_has_its_records_and_guarantees() -> None:
    assert FAN_OUT.keys() == {"casare", *fan_out.OTHERS}


def test_server_whose_library_cannot_be_loaded_is_left_out_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    opens = fan_out.OTHERS["ws"].opens
    here = Path(sys.executable)
    assert fan_out.Other(opens, (here,), "json", here).is_here("a")
    assert capsys.readouterr().err == ""
    assert not fan_out.Other(opens, (here,), "absent_module", here).is_here("b")
    assert capsys.readouterr().err == "b is not measured: ModuleNotFoundError: No module named 'absent_module'\n"


def test_length_of_a_packet_of_mqtt_has_seven_bits_in_a_byte() -> None:
    assert fan_out.mqtt_packet(0x30, b"x" * 127) == b"\x30\x7f" + b"x" * 127
    assert fan_out.mqtt_packet(0x30, b"x" * 128) == b"\x30\x80\x01" + b"x" * 128
    assert fan_out.mqtt_packet(0x30, b"x" * 16_384)[:4] == b"\x30\x80\x80\x01"


def test_comparison_has_figures_and_guarantees_of_each_system() -> None:
    figures = Figures()
    for server, value in (("b", 10.0), ("a", 100.0), ("a", 300.0), ("a", 200.0)):
        figures.add("queues: x", "jobs/s", value, server=server, pinned=True)
    figures.add("queues: x", "jobs/s", 1.0, server="a", pinned=False)
    figures.add("jobs", "jobs/s", 1.0, server="a", pinned=True)
    figures.add("fan-out", "ms", 7.0, server="a", pinned=True)
    systems = {"a": System("rows", "lease"), "b": System("nothing", "lock"), "c": System("times", "none")}
    assert comparison(figures, {"queues: x": "jobs", "fan-out": "age"}, systems, pinned=True).splitlines() == [
        "| system | jobs | age | records | guarantees |",
        "| --- | --- | --- | --- | --- |",
        "| a | 200 jobs/s (100 to 300) | 7 ms | rows | lease |",
        "| b | 10 jobs/s | – | nothing | lock |",
    ]


def test_comparison_of_one_system_is_empty() -> None:
    figures = Figures()
    figures.add("queues: x", "jobs/s", 1.0, server="a", pinned=True)
    assert comparison(figures, {"queues: x": "jobs"}, {"a": System("rows", "lease")}, pinned=True) == ""
