#!/usr/bin/env python3
"""Debian's gdb on our kernel: a break in the write system call, steps and runs backwards, a watchpoint run backwards to
the writer; and the same statistics and state hash with all that and without. What gdb
writes is recorded, and a recording is replayed.

usage: gdb_kernel.py ORRERY
"""
import os
import re
import subprocess
import sys
import tempfile

from gdb_guest import GdbGuest

ORRERY = os.path.abspath(sys.argv[1])
KERNEL = os.path.join(os.path.dirname(ORRERY), "guest-kernel.elf")
KEPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "gdb_kernel.txt")

guest = GdbGuest(ORRERY, [], ["sh", "-c", "echo one; echo two; exit 5"], KERNEL)

FORTH_AND_BACK = [
    r"echo begin\n",
    "break *sys_write if $esi == 1 && $rcx == 4",
    "continue",
    "print *(char(*)[4])$rdx",
    "continue",
    "print *(char(*)[4])$rdx",
    "info symbol $pc",
    r"echo reverse-stepi\n",
    "reverse-stepi",
    "x/i $pc",
    "stepi",
    "info symbol $pc",
    r"echo reverse-continue\n",
    "reverse-continue",
    "print *(char(*)[4])$rdx",
    "delete",
    r"echo watch\n",
    "watch -l *(char*)$rdx",
    "reverse-continue",
    "print $cs & 3",
    "print $cr0",
    "stepi",
    "delete",
    r"echo finish\n",
    "break *sys_write if $esi == 1 && $rcx == 4",
    "continue",
    "finish",
    "info threads",
    r"echo the ends\n",
    "delete",
    "reverse-continue",
    "monitor where",
    "stepi",
    "monitor where",
    "monitor show page-walk",
    "continue",
    "continue",
    r"echo end\n",
]

WRITE = [
    r"echo begin\n",
    "break *sys_write if $esi == 1 && $rcx == 4",
    "continue",
    "continue",
    "set *(char*)$rdx = 'X'",
    "set $r15 = 0x1234",
    "reverse-continue",
    "set *(char*)$rdx = 'O'",
    "monitor where",
    r"echo end\n",
    "delete",
    "detach",
]

# A guest without end, attached to while it runs: twice, and given up.
LOOK = [r"echo begin\n", "monitor where", "info threads", "detach"]
KILL = [r"echo begin\n", "monitor where", "kill"]


def instruction(transcript):
    return int(re.search(r"^instruction (\d+)", transcript, re.M).group(1))


plain = guest.plain()
guest.check("the guest does its work", plain[:2] == (5, "one\ntwo\n"), str(plain))
status, out, stats, (transcript,) = guest.with_gdb(FORTH_AND_BACK)
guest.compare(transcript, KEPT)
guest.check("output and status are the same", (status, out) == plain[:2], str((status, out)))
guest.check("statistics and state hash are the same", stats == plain[2], f"{stats}, not {plain[2]}")

# What gdb writes is recorded: once at the end of what is known, and once in the past, where another run begins.
with tempfile.TemporaryDirectory() as directory:
    recording = os.path.join(directory, "a.orr")
    guest.options = ["--record", recording]
    status, out, _, (transcript,) = guest.with_gdb(WRITE)
    guest.check("another run begins where gdb writes in the past", "(run 1 of 2)" in transcript, transcript)
    guest.check("and that one goes on", (status, out) == (5, "one\nOne\ntwo\n"), str((status, out)))
    done = subprocess.run([ORRERY, "verify", recording], capture_output=True, text=True)
    guest.check("both runs are computed again to the same states", done.returncode == 0
                and done.stdout.count("chain equal") == 2, str(done))
    for run, printed in (("0", "one\n"), ("1", "One\ntwo\n")):
        done = subprocess.run([ORRERY, "replay", recording, "--headless", "--run", run], capture_output=True, text=True)
        guest.check(f"run {run} is replayed", done.stdout == printed, str(done))

guest.command = ["sh", "-c", "while :; do :; done"]
guest.options = ["--smp", "2", "--max-insns", "20000000000", "--history", "64M"]
status, out, _, (first, second) = guest.with_gdb(LOOK, KILL, wait=False)
guest.check("the machine runs before, between and until it is killed",
            status == 0 and 0 < instruction(first) < instruction(second), first + second)
guest.check("a thread per CPU", "Thread 1 (CPU 0 [" in first and "Thread 2 (CPU 1 [" in first, first)
guest.end()
