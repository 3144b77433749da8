#!/usr/bin/env python3
"""Boots Debian's kernel with the same initramfs on Orrery and under QEMU's TCG, and compares what the two kernels say at
level warning and above. What Orrery's says and QEMU's does not is a failure, unless docs/linux.md explains it: there it
stands in the table of expected messages, as a regular expression.

usage: linux_dmesg.py ORRERY [--all] [OPTION…]     --all prints the whole difference; options go to `orrery run`
exit status: 0 nothing unexpected, 1 something, 77 QEMU or the images are not there, or (without options) this is not
the long run of the tests
"""
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from linux_guest import Orrery, with_entries  # noqa: E402

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "linux.md")


def lines_of(text):
    """(level, message) of each line of `dmesg -r`, without its time."""
    return [(int(level), message.rstrip()) for level, message in re.findall(r"^<(\d)>\[[^\]]*\] (.*)$", text, re.M)]


def qemu_log(orrery, directory):
    with open(orrery.initramfs, "rb") as file:
        archive = with_entries(file.read(), [("orrery", 0o040755, b""), ("orrery/command", 0o100644, b"exec dmesg -r\n")])
    initrd = os.path.join(directory, "initrd")
    with open(initrd, "wb") as file:
        file.write(archive)
    done = subprocess.run(["qemu-system-x86_64", "-accel", "tcg,thread=single", "-m", "512M", "-kernel", orrery.kernel, "-initrd",
                           initrd, "-append", "console=ttyS0 quiet loglevel=1", "-display", "none", "-serial", "stdio",
                           "-monitor", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4,iosize=4", "-device",
                           "virtio-rng-pci"], stdin=subprocess.DEVNULL, capture_output=True)
    return lines_of(done.stdout.decode(errors="replace"))


def expected_messages():
    """The first column of the rows whose first cell is code, below the heading of expected messages."""
    with open(DOCUMENT, encoding="utf-8") as file:
        section = file.read().split("## What the logs differ in", 1)[1].split("\n## ", 1)[0]
    return [re.compile(pattern) for pattern in re.findall(r"^\| `([^`]*)` \| Orrery ", section, re.M)]


def main():
    words = sys.argv[1:]
    if len(words) == 1 and not os.environ.get("ORRERY_TEST_LONG"):
        return 77
    show_all = "--all" in words
    words = [word for word in words if word != "--all"]
    orrery = Orrery(words[0])
    if not shutil.which("qemu-system-x86_64") or not os.path.exists(orrery.initramfs):
        print("QEMU or the target linux-images is not there")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        theirs = qemu_log(orrery, directory)
    status, out, err = orrery.linux(words[1:], ["dmesg", "-r"])
    ours = lines_of(out)
    if status != 0 or len(ours) < 200 or len(theirs) < 200:
        print(f"a boot failed: {len(ours)} lines from Orrery (status {status}, {err!r}), {len(theirs)} from QEMU")
        return 1
    if show_all:
        text = [[f"<{level}> {message}\n" for level, message in log] for log in (theirs, ours)]
        sys.stdout.writelines(difflib.unified_diff(*text, "QEMU", "Orrery", n=0))
    known = {message for _, message in theirs}
    expected = expected_messages()
    unexpected = [(level, message) for level, message in ours if level <= 4 and message not in known
                  and not any(pattern.fullmatch(message) for pattern in expected)]
    for level, message in unexpected:
        print(f"Orrery alone says <{level}> {message}")
    only_theirs = [message for level, message in theirs if level <= 4 and message not in {m for _, m in ours}]
    for message in only_theirs:
        print(f"QEMU alone says {message}")
    print(f"{len(ours)} lines on Orrery, {len(theirs)} under QEMU; {len(unexpected)} unexpected ones")
    return 1 if unexpected else 0


if __name__ == "__main__":
    sys.exit(main())
