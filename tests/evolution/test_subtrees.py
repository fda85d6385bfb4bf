"""What is counted as the same sub-tree, and which ones are kept."""

from benbot.strategies.programs.notation import from_json
from benchmarks.subtrees import Shelf, keys_of


def program(tree: str) -> str:
    return f'{{"version": 1, "signal": {tree}}}'


def test_what_must_not_be_computed_is_no_sub_tree() -> None:
    assert len(keys_of(from_json(program('["add", ["mean", "rsi", 5], ["tanh", "rsi"]]')))) == 3
    assert not keys_of(from_json(program('"rsi"')))


def test_the_order_of_a_sum_is_no_difference_that_of_a_difference_is() -> None:
    def keys(name: str, *arguments: str) -> object:
        return keys_of(from_json(program(f'["{name}", "{arguments[0]}", "{arguments[1]}"]')))

    assert keys("add", "rsi", "volume") == keys("add", "volume", "rsi")
    assert keys("subtract", "rsi", "volume") != keys("subtract", "volume", "rsi")


def test_what_was_used_last_is_kept() -> None:
    shelf = Shelf(2)
    assert [shelf.hits({key}) for key in ((1,), (2,), (1,), (3,), (1,), (2,))] == [0, 0, 1, 0, 1, 0]
