# SPDX-License-Identifier: Apache-2.0
"""A pseudo terminal for programs that a person looks at."""
import fcntl
import os
import pty
import re
import struct
import termios
import threading

from .process import wait_until


class Terminal:
    """So many columns wide, and what was shown on it."""

    def __init__(self, columns=100, rows=24):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.shown = bytearray()
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self):
        try:
            while True:
                self.shown.extend(os.read(self.master, 65536))
        except OSError:                      # the last program is gone
            pass

    def take_over(self):
        """In the child, before its program: this is its terminal, so that Ctrl-C reaches it."""
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)

    def type(self, text):
        os.write(self.master, text.encode())

    def wait_for(self, part, seconds=20, since=0):
        """Until that was shown behind the first `since` bytes, colours and cursor apart."""
        try:
            wait_until(lambda: part in self.plain(since), seconds, f"{part!r} on the terminal")
        except AssertionError as fault:
            raise AssertionError(f"{fault}, which shows {bytes(self.shown[since:])!r}") from None

    def plain(self, since=0):
        """What was shown, without colours, and without what moves the cursor or clears."""
        text = self.shown[since:].decode(errors="replace")
        return re.sub(r"\x1b(\[[0-9;?]*[A-Za-z]|[=>()][A-Z0-9]?)", "", text)

    def close(self):
        """All that was shown, once no program has it any more."""
        os.close(self.slave)
        self.reader.join(20)
        os.close(self.master)
        return self.shown.decode()
