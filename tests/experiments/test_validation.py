"""One readable message for whatever is wrong: where, which key, what is needed, what it was."""

from typing import Annotated, Literal

import pytest
from pydantic import Field, field_validator

from benbot.envs.errors import BadConfig, InvalidParameter
from benbot.envs.settings import Settings
from benbot.experiments.validation import build, dotted
from benbot.experiments.yaml_files import Layer, Tree


class Sword(Settings):
    source: Literal["sword"] = "sword"
    length: float = Field(default=1.0, gt=0, le=3)


class Bow(Settings):
    source: Literal["bow"] = "bow"
    arrows: int = Field(default=12, ge=1)


class Armour(Settings):
    plates: int = Field(default=4, description="number of plates")
    colour: Literal["black", "white"] = "black"

    @field_validator("plates")
    @classmethod
    def _even(cls, value: int) -> int:
        if value % 2:
            raise InvalidParameter(f"plates come in pairs, was {value}")
        return value


class Knight(Settings):
    name: str = Field(description="what heralds call")
    weapon: Annotated[Sword | Bow, Field(discriminator="source")]
    armour: Armour = Armour()
    spare: tuple[Armour, ...] = ()
    squires: tuple[str, ...] = Field(default=("Kay",), min_length=1)
    motto: str | None = None
    oaths: int | bool = 3


SOUND: Tree = {"name": "Ann", "weapon": {"source": "bow"}}


def message(*trees: Tree) -> str:
    """Return what is said of the sound file with these changes on top."""
    names = ["base.yaml", "own.yaml", "command line"]
    layers = [Layer(name, tree) for name, tree in zip(names, (SOUND, *trees), strict=False)]
    with pytest.raises(BadConfig) as caught:
        build(Knight, layers)
    return str(caught.value)


def test_layers_are_put_together_and_the_last_decides() -> None:
    layers = [Layer("a", SOUND), Layer("b", {"armour": {"plates": 6}}), Layer("c", {"name": "Bo"})]
    knight = build(Knight, layers)
    assert (knight.name, knight.armour.plates, knight.weapon) == ("Bo", 6, Bow())


def test_a_misspelt_key_is_named_with_its_place_and_the_likeliest_one() -> None:
    wrong = message({"armour": {"plats": 2}})
    assert wrong == "own.yaml: armour.plats is no key; did you mean 'plates'?"
    assert message({"armor": {}}) == "own.yaml: armor is no key; did you mean 'armour'?"


def test_a_key_in_the_wrong_section_is_sent_to_its_own() -> None:
    assert message({"plates": 2}) == (
        "own.yaml: plates is no key; did you mean armour.plates or spare.plates?"
    )


def test_a_key_like_no_other_is_answered_with_all_there_are() -> None:
    assert message({"armour": {"zzz": 1}}) == (
        "own.yaml: armour.zzz is no key; there are plates, colour"
    )


def test_a_key_of_another_kind_is_not_suggested_to_itself() -> None:
    assert message({"weapon": {"length": 2}}) == (
        "own.yaml: weapon.length is no key; there are source, arrows"
    )


def test_the_layer_that_said_it_is_blamed() -> None:
    sound, wrong = {"armour": {"plates": 2}}, {"armour": {"plates": "many"}}
    assert message(wrong).startswith("own.yaml: armour.plates")
    assert message(sound, wrong).startswith("command line: armour.plates")
    assert message(wrong, {"name": "Bo"}).startswith("own.yaml: armour.plates")


def test_a_number_out_of_range_says_range_and_number() -> None:
    assert message({"weapon": {"source": "sword", "length": -1}}) == (
        "own.yaml: weapon.length must be greater than 0, was -1"
    )


def test_a_wrong_type_says_what_is_needed() -> None:
    assert message({"armour": {"plates": "many"}}) == (
        "own.yaml: armour.plates must be a valid integer, was 'many'"
    )
    assert message({"armour": 3}) == (
        "own.yaml: armour must be a section of keys and values, was 3"
    )
    assert message({"squires": "Kay"}) == "own.yaml: squires must be a list, was 'Kay'"
    assert message({"squires": []}) == "own.yaml: squires must have at least 1 item(s), was []"
    assert message({"name": None}) == "own.yaml: name must be a valid string, was null"


def test_a_word_that_is_no_choice_lists_the_choices() -> None:
    assert message({"armour": {"colour": "red"}}) == (
        "own.yaml: armour.colour must be 'black' or 'white', was 'red'"
    )


def test_an_item_of_a_list_is_counted() -> None:
    assert message({"spare": [{"plates": 2}, {"plats": 2}]}) == (
        "own.yaml: spare[1].plats is no key; did you mean 'plates'?"
    )


def test_a_bad_item_is_one_problem_and_not_also_a_short_list() -> None:
    assert message({"squires": [["Kay"]]}) == (
        "own.yaml: squires[0] must be a valid string, was ['Kay']"
    )


def test_a_value_of_none_of_several_types_is_one_problem() -> None:
    assert message({"oaths": [1]}) == "own.yaml: oaths must be a valid integer, was [1]"


def test_a_missing_key_is_explained() -> None:
    with pytest.raises(BadConfig, match=r"a.yaml: name is needed \(what heralds call\), was not"):
        build(Knight, [Layer("a.yaml", {"weapon": {"source": "bow"}})])


def test_a_section_without_its_kind_or_of_no_kind_is_explained() -> None:
    with pytest.raises(BadConfig, match=r"weapon.source is needed to know what weapon is"):
        build(Knight, [Layer("a.yaml", {"name": "Ann", "weapon": {"arrows": 3}})])
    assert message({"weapon": {"source": "mace"}}) == (
        "own.yaml: weapon.source must be one of 'sword', 'bow', was 'mace'"
    )


def test_our_own_refusals_keep_their_words() -> None:
    assert message({"armour": {"plates": 3}}) == (
        "own.yaml: armour.plates: plates come in pairs, was 3"
    )


def test_all_problems_are_told_at_once() -> None:
    told = message({"armour": {"plates": "x", "colour": "red"}, "weapon": {"arrows": 0}})
    assert told.startswith("3 problems:\n  ")
    for part in ("weapon.arrows must be greater", "armour.plates", "armour.colour"):
        assert part in told


def test_a_section_with_everything_commented_out_is_the_default() -> None:
    assert build(Knight, [Layer("a", {**SOUND, "armour": None, "motto": None})]).armour == Armour()


def test_a_long_value_is_cut() -> None:
    assert message({"armour": {"plates": "x" * 500}}).endswith("x…")


def test_paths_are_written_as_people_do() -> None:
    assert dotted(("spare", 1, "plates")) == "spare[1].plates"
