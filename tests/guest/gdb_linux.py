#!/usr/bin/env python3
"""Debian's gdb on Debian's kernel: a break in the write system call, steps and runs backwards, a watchpoint run backwards
to the writer. With ORRERY_TEST_LONG=1 the guest also runs without: one state hash, the same statistics.

usage: gdb_linux.py ORRERY
"""
import os
import sys

from gdb_guest import SKIPPED, GdbGuest

ORRERY = os.path.abspath(sys.argv[1])
VMLINUX = os.path.join(os.path.dirname(ORRERY), "images", "linux", "vmlinux")
KEPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gdb_linux.txt")

if not os.path.exists(VMLINUX):
    print(f"{VMLINUX} is not there (target linux-images)")
    sys.exit(SKIPPED)

guest = GdbGuest(ORRERY, ["--linux", "--append", "nokaslr"], ["sh", "-c", "echo one; echo two; exit 5"], VMLINUX)

# Hardware breakpoints, since a kernel that is still packed lies where they are put.
SCRIPT = [
    r"echo begin\n",
    "hbreak *ksys_write if $rdi == 1 && $rdx == 4 && *(char*)$rsi != '/'",
    "continue",
    "print *(char(*)[4])$rsi",
    "continue",
    "print *(char(*)[4])$rsi",
    "info symbol $pc",
    r"echo reverse-stepi\n",
    "reverse-stepi",
    "x/i $pc",
    "stepi",
    "info symbol $pc",
    r"echo reverse-continue\n",
    "reverse-continue",
    "print *(char(*)[4])$rsi",
    "delete",
    r"echo watch\n",
    "watch -l *(char*)$rsi",
    "reverse-continue",
    "print $cs & 3",
    "stepi",
    "delete",
    r"echo end\n",
    "detach",
]

status, out, stats, (transcript,) = guest.with_gdb(SCRIPT)
guest.compare(transcript, KEPT)
guest.check("the guest does its work", (status, out) == (5, "one\ntwo\n"), str((status, out)))
if "ORRERY_TEST_LONG" in os.environ:
    plain = guest.plain()
    guest.check("it is the same without gdb", plain == (status, out, stats), f"{(status, out, stats)}, not {plain}")
guest.end()
