"""What the tests with Debian's gdb have in common: a guest with gdb beside it, and a transcript that can be compared."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

SKIPPED = 77


class GdbGuest:
    """Runs a guest, plain or with a gdb script; keeps count of what is wrong."""

    def __init__(self, orrery, options, command, symbols):
        self.orrery, self.options, self.command, self.symbols = orrery, options, command, symbols
        self.failures = 0
        if shutil.which("gdb") is None:
            print("gdb is not installed")
            sys.exit(SKIPPED)

    def check(self, what, condition, shown=""):
        if not condition:
            self.failures += 1
            print(f"FAILED: {what}\n{shown}")

    def words(self, stats, *more):
        return [self.orrery, "run", *self.options, "--stats", stats, *more, "--", *self.command]

    def plain(self):
        """Without gdb: exit status, output, statistics."""
        with tempfile.TemporaryDirectory() as directory:
            stats = os.path.join(directory, "stats.json")
            done = subprocess.run(self.words(stats), capture_output=True, stdin=subprocess.DEVNULL)
            return done.returncode, done.stdout.decode(errors="replace"), self.stats_of(stats)

    def with_gdb(self, *scripts, wait=True):
        """The same with gdb attached, once for each list of commands; and what the gdbs printed."""
        with tempfile.TemporaryDirectory() as directory:
            stats, path = os.path.join(directory, "stats.json"), os.path.join(directory, "socket")
            guest = subprocess.Popen(self.words(stats, "--gdb", path, *(["-S"] if wait else [])),
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            said = guest.stderr.readline().decode()
            self.check("says where gdb can attach", said == f"orrery: gdb can attach: target remote {path}\n", said)
            transcripts = [self.gdb(path, script) for script in scripts]
            out, _ = guest.communicate(timeout=1200)
            self.check("the socket is removed", not os.path.exists(path))
            return guest.returncode, out.decode(errors="replace"), self.stats_of(stats), transcripts

    def gdb(self, path, script):
        words = ["gdb", "-nx", "-batch", self.symbols]
        for line in ["set pagination off", "set confirm off", "set width 0", "set remotetimeout 120",
                     "set print frame-arguments none",
                     f"target remote {path}", *script]:
            words += ["-ex", line]
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              timeout=1200, env={**os.environ, "DEBUGINFOD_URLS": ""})
        return done.stdout.decode(errors="replace")

    @staticmethod
    def stats_of(path):
        """All that --stats says but for the host's time: counts, and the state hash."""
        with open(path) as f:
            stats = json.load(f)
        del stats["host_seconds"]
        return stats

    def compare(self, transcript, kept):
        """Against a file of lines as they must come; addresses do not matter."""
        lines = normal(transcript)
        with open(kept) as f:
            expected = f.read()
        self.check(f"the transcript is that of {os.path.basename(kept)}", lines == expected,
                   f"--- got\n{lines}--- as it came\n{transcript}---")

    def end(self):
        print("failed" if self.failures else "gdb does as it is told")
        sys.exit(1 if self.failures else 0)


def normal(transcript):
    """The lines between "begin" and "end", with addresses and counts made alike."""
    text = transcript[transcript.find("begin\n") + 6:]
    text = text[:text.find("\nend\n") + 1]
    text = re.sub(r"0x[0-9a-f]+", "ADDRESS", text)
    text = re.sub(r"instruction \d+", "instruction N", text)
    text = re.sub(r"(instruction N,|instruction N to) \d+", r"\1 N", text)
    text = re.sub(r"(?m)(\.(cpp|h|S))(:\d+|, line \d+\.)$", r"\1", text)
    text = re.sub(r"(?m)^\d+\t.*\n", "", text)  # source lines
    return re.sub(r"(?m)[ \t]+$", "", text)
