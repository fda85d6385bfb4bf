"""Who does the work, by what a command was told."""

from benbot.envs.work.cluster import Cluster
from benbot.envs.work.executor import HERE, Executor
from benbot.envs.work.processes import Processes


def executor_of(jobs: int | None, cluster: str | None) -> Executor:
    """Return who does work: this process, `jobs` others, or at most as many of a cluster.

    `cluster` is its address, if there is one.
    """
    if cluster is not None:
        return Cluster(cluster, jobs)
    return HERE if jobs in {None, 1} else Processes(jobs or 1)
