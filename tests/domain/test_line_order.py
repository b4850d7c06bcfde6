"""Numbered lines are stored behind refused ones only after these came again, or were given up."""

import pytest

from casare_rpa.domain.line_order import GIVEN_UP_SECONDS, LineOrder


@pytest.mark.parametrize("seq", [0, 1, 7])
def test_every_line_may_be_stored_while_none_was_refused(seq: int) -> None:
    assert LineOrder().may_store(seq, 0.0)


def test_later_lines_wait_for_refused_ones() -> None:
    order = LineOrder()
    order.refuse(5, 0.0)
    assert not order.may_store(6, 1.0)
    assert order.may_store(0, 1.0), "a line without a number has no order"
    assert order.may_store(5, 2.0)
    assert order.may_store(6, 2.0)


def test_repetition_may_begin_before_the_refused_line() -> None:
    order = LineOrder()
    order.refuse(5, 0.0)
    assert order.may_store(3, 1.0)
    assert order.refused is None


@pytest.mark.parametrize(("first", "second"), [(5, 9), (9, 5)])
def test_lowest_refused_line_counts(first: int, second: int) -> None:
    order = LineOrder()
    order.refuse(first, 0.0)
    order.refuse(second, 0.0)
    assert not order.may_store(6, 1.0)
    assert order.may_store(5, 1.0)


def test_refusal_of_lines_without_numbers_changes_nothing() -> None:
    order = LineOrder()
    order.refuse(0, 0.0)
    assert order.may_store(1, 0.0)


def test_refused_lines_that_do_not_come_again_are_given_up() -> None:
    order = LineOrder()
    order.refuse(5, 10.0)
    assert not order.may_store(6, 10.0 + GIVEN_UP_SECONDS - 0.1)
    order.refuse(5, 20.0)
    assert not order.may_store(6, 10.0 + GIVEN_UP_SECONDS)
    assert order.may_store(6, 20.0 + GIVEN_UP_SECONDS)
    assert order.may_store(7, 20.0 + GIVEN_UP_SECONDS)
