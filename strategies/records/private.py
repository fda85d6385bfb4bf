"""Files that only their owner may read and write."""

import errno
import os
import stat
from contextlib import suppress
from pathlib import Path

PRIVATE = stat.S_IRUSR | stat.S_IWUSR


def make_private(path: Path) -> None:
    """Make the file if there is none, and let only its owner read and write it.

    One that is there is not opened. Who closes a file lets go of all locks that the process has on
    it, SQLite's among them: then the next process that closes the database takes its log away from
    whoever still writes it (https://sqlite.org/howtocorrupt.html, 2.2). Raises OSError.
    """
    with suppress(FileExistsError):
        # With its mode from the first moment on, not made first and closed to others afterwards.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, PRIVATE))
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not os.access(path, os.R_OK | os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    if stat.S_IMODE(mode) != PRIVATE:
        path.chmod(PRIVATE)
