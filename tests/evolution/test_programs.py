"""Programs as genomes: typed and within the limits whatever happens, heard as they are traded."""

import numpy as np
import pytest

from benbot.envs.errors import InvalidParameter, TradingError
from benbot.envs.market.market import Market
from benbot.evolution.ground import Ground
from benbot.evolution.programs import ProgramGenome, Programs
from benbot.strategies.programs.language import Language
from benbot.strategies.programs.program import check_program


@pytest.mark.parametrize("form", ["signal", "parts"])
def test_children_are_typed_and_within_the_limits(form: str, programs: Programs) -> None:
    own = Programs(Language(programs.language.features, form=form, depth=5, size=24))
    generator = np.random.default_rng(0)
    people = [own.draw(generator) for _ in range(40)]
    changed = 0
    for i in range(300):
        mother, father = people[i % 40], people[(11 * i + 5) % 40]
        for child in (own.cross(mother, father, generator), own.mutate(mother, generator)):
            check_program(child.program)
            assert len(child.program) <= 24
            assert child.program.depth <= 5
            changed += child.digest != mother.digest
    assert changed > 400


@pytest.mark.parametrize("form", ["signal", "parts"])
def test_a_batch_is_heard_as_each_strategy_alone(
    form: str, programs: Programs, fit: Ground
) -> None:
    own = Programs(Language(programs.language.features, windows=(2, 5), form=form, size=30))
    generator = np.random.default_rng(1)
    genomes = [own.draw(generator) for _ in range(20)]
    heard = list(own.opinions(genomes, fit.market))
    assert sum(int(np.abs(opinion.direction).sum()) for opinion in heard) > 1000
    for genome, opinion in zip(genomes, heard, strict=True):
        alone = own.strategy(genome, "x").opinion(fit.market)
        assert np.array_equal(opinion.direction, alone.direction)
        assert np.array_equal(opinion.confidence, alone.confidence)
        assert np.array_equal(opinion.stop_distance, alone.stop_distance)


def test_opinions_know_nothing_of_the_bars_to_come(programs: Programs, market: Market) -> None:
    generator = np.random.default_rng(2)
    genomes = [programs.draw(generator) for _ in range(10)]
    whole = programs.opinions(genomes, market)
    for opinion, prefix in zip(whole, programs.opinions(genomes, market.until(200)), strict=True):
        assert np.array_equal(opinion.direction[:200], prefix.direction)
        assert np.array_equal(opinion.confidence[:200], prefix.confidence)


def test_a_genome_survives_being_written(programs: Programs) -> None:
    genome = programs.draw(np.random.default_rng(3))
    again = programs.read(programs.write(genome))
    assert again.digest == genome.digest
    assert again.program.codes == genome.program.codes


def test_what_is_no_program_is_refused(programs: Programs) -> None:
    with pytest.raises(InvalidParameter, match="a bred program must be JSON of one, was 3"):
        programs.read(3)
    with pytest.raises(TradingError, match="exec"):
        programs.read({"version": 1, "signal": ["exec", "rsi"]})


def test_the_same_seed_draws_the_same(programs: Programs) -> None:
    def line(seed: int) -> list[ProgramGenome]:
        generator = np.random.default_rng(seed)
        first, second = programs.draw(generator), programs.draw(generator)
        return [first, programs.cross(first, second, generator), programs.mutate(first, generator)]

    assert line(4) == line(4)
    assert line(4) != line(5)
