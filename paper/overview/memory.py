"""What a reader of a store remembers of its accounts, so that it reads what is new and no more.

Marks and events are written once and stay as they are, so whoever has read them need not read them
again. Events are verified as they come; all of them from the first one on where what is remembered
is not in the store any more, and once an hour. What was seen to be gone is told until the reader
ends: a chain that was whole and is shorter or another now was changed, however whole it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from threading import Lock

import numpy as np
from sqlalchemy import Connection, select

from benbot.envs.errors import RecordsDamaged
from benbot.paper.chain import head_at, verified
from benbot.paper.overview.results import Marks, flows_after, marks_after, mark_of
from benbot.paper.overview.rows import Row, begun, count
from benbot.paper.tables import EVENTS
from benbot.strategies.records.chain import Head

WHOLE = 3600.0  # seconds after which the chain is walked from its first event again
