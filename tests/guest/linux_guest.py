"""What the tests that boot Linux have in common: archives, one boot with many commands, and exact expectations."""
import os
import re
import struct
import subprocess

# Well above what the longest of these boots needs; a guest that hangs ends there, with status 124.
BUDGET = 60_000_000_000


def newc(entries):
    """A cpio archive (newc) of (name, mode, bytes)."""
    out = bytearray()
    for name, mode, data in entries + [("TRAILER!!!", 0, b"")]:
        fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        out += b"\0" * (-len(out) % 4)
        out += data
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def with_entries(archive, entries):
    """An archive's bytes with further entries behind it."""
    return archive + b"\0" * (-len(archive) % 512) + newc(entries)


def symbols_of(path):
    """(address, name) of each symbol in the .symtab of a 64-bit ELF file."""
    with open(path, "rb") as file:
        elf = file.read()
    table, = struct.unpack_from("<Q", elf, 40)
    count, = struct.unpack_from("<H", elf, 60)
    headers = [struct.unpack_from("<IIQQQQIIQQ", elf, table + 64 * i) for i in range(count)]
    symtab = next(header for header in headers if header[1] == 2)  # SHT_SYMTAB
    names = headers[symtab[6]][4]
    rows = struct.iter_unpack("<IBBHQQ", elf[symtab[4]:symtab[4] + symtab[5]])
    next(rows)  # the first entry is none
    return [(address, elf[names + name:elf.index(b"\0", names + name)].decode()) for name, _, _, _, address, _ in rows]


class Orrery:
    """build/orrery and the images beside it."""

    def __init__(self, program):
        self.program = program
        self.images = os.path.join(os.path.dirname(os.path.abspath(program)), "images")
        self.kernel = os.path.join(self.images, "linux", "bzImage")
        self.vmlinux = os.path.join(self.images, "linux", "vmlinux")
        self.initramfs = os.path.join(self.images, "linux", "initramfs.cpio")
        self.disk = os.path.join(self.images, "debian.img")
        self.busybox_i386 = os.path.join(self.images, "..", "packages", "i386", "busybox")

    def run(self, *words):
        """Runs orrery; its status, stdout and stderr."""
        done = subprocess.run([self.program, *words], capture_output=True, stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")

    def linux(self, options, command):
        """Boots Linux to run a command."""
        return self.run("run", "--linux", "--max-insns", str(BUDGET), *options, "--", *command)


class Checks:
    """Commands that all run in one boot, each with the output it must have."""

    def __init__(self):
        self.rows = []

    def add(self, name, command, expected):
        """`expected`: the exact output, or a compiled regular expression that matches all of it."""
        self.rows.append((name, command, expected))

    def script(self, status):
        """A shell script that runs them all and exits with `status`."""
        parts = [f"echo '@@@ {name}'\n{command}\n" for name, command, _ in self.rows]
        return "".join(parts) + f"echo '@@@'\nexit {status}\n"

    @staticmethod
    def sections(output):
        return dict(re.findall(r"^@@@ ([^\n]*)\n(.*?)(?=^@@@)", output, re.S | re.M))

    def printed(self, output, name):
        """What the check of this name printed."""
        return self.sections(output).get(name, "")

    def failures(self, output):
        """One text for each check that did not print what it should."""
        sections = self.sections(output)
        failed = []
        for name, _, expected in self.rows:
            got = sections.get(name)
            if got is None:
                failed.append(f"{name}: did not run")
            elif not (got == expected if isinstance(expected, str) else expected.fullmatch(got)):
                failed.append(f"{name}: printed {got!r}, not {expected!r}")
        return failed
