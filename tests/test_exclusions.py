"""What the mutation run leaves out is named by lines of the desk, which move on."""

from benchmarks.mutation import stale_exclusions


def test_every_mutant_that_is_left_out_is_one_of_the_present_source() -> None:
    assert stale_exclusions() == []
