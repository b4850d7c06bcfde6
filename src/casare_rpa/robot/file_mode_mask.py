"""The file mode mask (umask): the program's own files are private, and its workflows keep the mask of its start."""

import os
from typing import Final

PRIVATE: Final = 0o077
UNCHANGED: Final = -1
"""`subprocess.Popen` leaves the mask alone."""


class FileModeMask:
    """The mask at the start of the program. Jobs use it, because other users may need to read their files."""

    def __init__(self) -> None:
        self.given = UNCHANGED

    def make_private(self) -> None:
        """Create files for the user of this process only, from now on."""
        before = os.umask(PRIVATE)
        if self.given == UNCHANGED:
            self.given = before

    def restore(self) -> None:
        """Set the given mask again, before another program replaces this one in its process."""
        if self.given != UNCHANGED:
            os.umask(self.given)


FILE_MODE_MASK = FileModeMask()
