"""Epochs drawn ahead in a thread: the same numbers, errors that arrive, a thread that ends."""

import threading

import numpy as np
import pytest
import torch

from learnprop.simulations.networks.image_batches import draw_ahead, draw_epoch
from learnprop.simulations.networks.recipe import Recipe
from learnprop.simulations.networks.steps import eager_epoch
from tests.trained import run


def generators():
    return [np.random.default_rng(seed) for seed in (3, 4)]


def drawing_threads():
    return [t for t in threading.enumerate() if t.name.startswith("draw")]


@pytest.mark.parametrize("augment", [False, True])
def test_they_are_what_is_drawn_one_by_one(augment):
    rngs = generators()
    ahead = draw_ahead(generators(), 7, 3, augment=augment, pinned=False)
    for order, moves in ahead:
        expected_order, expected_moves = draw_epoch(rngs, 7, augment=augment)
        assert order.dtype == torch.int32
        assert torch.equal(order.long(), expected_order)
        if augment:
            assert torch.equal(moves.long(), expected_moves)
        else:
            assert moves is expected_moves is None
    assert list(ahead) == []
    assert drawing_threads() == []


class Watched:
    """A generator that says when it was drawn from, and fails at some draw."""

    def __init__(self, fails_at=None):
        self.rng, self.n, self.fails_at = np.random.default_rng(0), 0, fails_at
        self.drawn = [threading.Event() for _ in range(5)]

    def permutation(self, n):
        self.n += 1
        if self.n == self.fails_at:
            raise OSError("no more numbers")
        self.drawn[self.n - 1].set()
        return self.rng.permutation(n)


def test_the_next_is_drawn_while_one_is_computed_and_no_more():
    watched = Watched()
    ahead = draw_ahead([watched], 5, 3, augment=False, pinned=False)
    next(ahead)
    assert watched.drawn[1].wait(timeout=30)
    assert len(drawing_threads()) == 1
    assert not watched.drawn[2].is_set()
    ahead.close()
    assert (watched.n, drawing_threads()) == (2, [])


def test_an_error_arrives_where_its_epoch_would():
    ahead = draw_ahead([Watched(fails_at=2)], 5, 3, augment=False, pinned=False)
    next(ahead)
    with pytest.raises(OSError, match="no more numbers"):
        next(ahead)
    assert drawing_threads() == []


def test_the_thread_ends_with_a_training_however_it_ends(digits):
    met = []

    def failing(*arguments):
        epoch = eager_epoch(*arguments)

        def once(*how):
            met.append(len(drawing_threads()))
            if len(met) > 1:
                raise MemoryError
            return epoch(*how)

        return once

    with pytest.raises(MemoryError):
        run(digits, [0], Recipe(epochs=4), make_epoch=failing)
    assert met == [1, 1]
    assert drawing_threads() == []
    run(digits, [0], Recipe(epochs=50, lr=1e4), dtype=torch.float32)  # diverges and stops
    assert drawing_threads() == []


@pytest.mark.cuda
def test_they_lie_where_a_gpu_copies_from_without_a_wait():
    for order, moves in draw_ahead(generators(), 7, 2, augment=True, pinned=True):
        assert order.is_pinned()
        assert moves.is_pinned()
