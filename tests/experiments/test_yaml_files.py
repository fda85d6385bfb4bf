"""Files that say what they mean, in layers, and come back as they were written."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benbot.envs.errors import BadConfig
from benbot.experiments.yaml_files import merge, parse_yaml, read_layers, write_yaml

# Line ends and control characters have no place in a configuration.
letters = st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))
keys = st.text(letters, min_size=1, max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.dates()
    | st.text(letters, max_size=12)
    | st.sampled_from(
        ["no", "on", "3e-4", "1:30", "0x10", "010", "null", "<<", "2020-01-01", "1_0"]
    )
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3)
)
trees = st.dictionaries(keys, values, max_size=4)


def write(folder: Path, **texts: str) -> Path:
    """Write files and return the first one."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder / f"{next(iter(texts))}.yaml"


def merged(folder: Path, packaged: Path | None = None, **texts: str) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for layer in read_layers(write(folder, **texts), packaged or folder):
        tree = merge(tree, layer.tree, "source")
    return tree


@given(tree=trees)
def test_what_is_written_is_read_as_the_same(tree: dict[str, Any]) -> None:
    assert parse_yaml(write_yaml(tree), "written") == tree


def test_words_mean_what_people_mean_by_them() -> None:
    text = """
    tickers: [ON, NO, Y, TRUE]
    rate: 3e-4
    steps: 1_000_000
    time: 1:30
    code: 010
    day: 2020-02-29
    nothing: ~
    """
    assert parse_yaml(text, "words") == {
        "tickers": ["ON", "NO", "Y", True],
        "rate": 0.0003,
        "steps": 1_000_000,
        "time": "1:30",
        "code": "010",
        "day": date(2020, 2, 29),
        "nothing": None,
    }


def test_a_key_that_stands_twice_is_refused_with_its_line() -> None:
    with pytest.raises(BadConfig, match=r"twice.yaml, line 3: .*'a' stands here twice"):
        parse_yaml("a: 1\nb: 2\na: 3\n", "twice.yaml")
    with pytest.raises(BadConfig, match=r"line 3: .*'x'"):
        parse_yaml("a:\n  x: 1\n  x: 2\n", "nested.yaml")


def test_anchors_may_be_merged_and_changed() -> None:
    text = "base: &base {a: 1, b: 2}\nother: {<<: *base, b: 3}\n"
    assert parse_yaml(text, "anchors")["other"] == {"a": 1, "b": 3}


def test_no_python_object_can_be_made() -> None:
    with pytest.raises(BadConfig, match="could not determine a constructor"):
        parse_yaml("a: !!python/object/apply:os.getcwd []", "evil.yaml")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [1, 2", "bad.yaml, line 1: YAML is needed"),
        ("a: 1\n b: 2", "bad.yaml, line 2: YAML is needed"),
        ("day: 2021-02-30", "bad.yaml: YAML is needed, was: day is out of range"),
        ("a: \x00", "bad.yaml: YAML is needed"),
    ],
)
def test_what_is_no_yaml_is_refused_with_file_and_line(text: str, reason: str) -> None:
    with pytest.raises(BadConfig, match=reason):
        parse_yaml(text, "bad.yaml")


def test_a_file_changes_what_it_extends_key_by_key(tmp_path: Path) -> None:
    assert merged(
        tmp_path,
        child="extends: middle.yaml\nagent: {steps: 5}\nseeds: [7]",
        middle="extends: base.yaml\nagent: {rate: 0.1}",
        base="agent: {steps: 1, rate: 0.3, envs: 4}\nseeds: [1, 2]\nname: base",
    ) == {"agent": {"steps": 5, "rate": 0.1, "envs": 4}, "seeds": [7], "name": "base"}


def test_extends_is_relative_to_the_file_that_says_it(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    write(tmp_path, base="name: base")
    write(tmp_path / "inner", middle="extends: ../base.yaml")
    top = write(tmp_path, top="extends: inner/middle.yaml")
    assert [layer.name for layer in read_layers(top, tmp_path)] == [
        "base.yaml",
        "middle.yaml",
        "top.yaml",
    ]


def test_a_bare_name_extends_a_packaged_file(tmp_path: Path) -> None:
    (tmp_path / "packaged").mkdir()
    write(tmp_path / "packaged", quick="name: quick\nseeds: [1]")
    tree = merged(tmp_path, tmp_path / "packaged", own="extends: quick\nseeds: [2]")
    assert tree == {"name": "quick", "seeds": [2]}


def test_a_circle_of_files_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, a="extends: b.yaml", b="extends: a.yaml")
    with pytest.raises(BadConfig, match=r"circle: a.yaml extends b.yaml extends a.yaml"):
        read_layers(path, tmp_path)


def test_null_takes_a_section_back_but_is_a_value_elsewhere(tmp_path: Path) -> None:
    tree = merged(
        tmp_path,
        child="extends: base.yaml\ndesk: null\nmarket: {start: null}",
        base="desk: {capital: 1}\nmarket: {start: 2000-01-01, name: x}",
    )
    assert tree == {"market": {"start": None, "name": "x"}}


def test_another_kind_of_section_replaces_the_one_below() -> None:
    below = {"market": {"source": "dataset", "name": "sp500_20"}}
    other = {"market": {"source": "synthetic", "seed": 3}}
    assert merge(below, other, "source") == other
    same = merge(below, {"market": {"source": "dataset", "start": 1}}, "source")
    assert same == {"market": {"source": "dataset", "name": "sp500_20", "start": 1}}


@given(below=trees, above=trees)
def test_merging_changes_neither_side_and_saying_it_twice_changes_nothing(
    below: dict[str, Any], above: dict[str, Any]
) -> None:
    before = repr((below, above))
    once = merge(below, above, "source")
    assert repr((below, above)) == before
    if None not in above.values():  # a null removes a section the first time, then is a value
        assert merge({}, once, "source") == once
        assert set(above) <= set(once)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("- a\n- b", "top.yaml: keys and values are needed, was a list"),
        ("extends: [a.yaml]", "extends must be the path of one file"),
        ("extends: missing.yaml", "has none of that name"),
    ],
)
def test_a_file_that_cannot_be_a_configuration_is_refused(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(BadConfig, match=reason):
        read_layers(write(tmp_path, top=text), tmp_path)


def test_an_empty_file_says_nothing_and_bytes_are_no_text(tmp_path: Path) -> None:
    assert read_layers(write(tmp_path, top="# only a comment\n"), tmp_path)[0].tree == {}
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(BadConfig, match="readable text file is needed"):
        read_layers(tmp_path / "binary.yaml", tmp_path)


def test_a_file_that_is_not_there_is_named_with_the_way_to_a_packaged_one(tmp_path: Path) -> None:
    write(tmp_path, child="extends: sp500_20.yaml")
    with pytest.raises(BadConfig, match=r"'sp500_20\.yaml', and .* has none .*extends: sp500_20'"):
        read_layers(tmp_path / "child.yaml", tmp_path / "packaged")
