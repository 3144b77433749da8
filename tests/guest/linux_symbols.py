#!/usr/bin/env python3
"""The debugger knows Debian's kernel by its own symbols (images/linux/vmlinux), wherever the kernel has put itself.

usage: linux_symbols.py ORRERY     exit status: 0 as expected, 1 not, 77 the images are not there
"""
import json
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from gdb_guest import GdbGuest  # noqa: E402
from linux_guest import Orrery, symbols_of  # noqa: E402

# Breakpoints by name, made before the kernel has chosen its place.
SCRIPT = """run 3000000000
break start_kernel
break vfs_write
continue
expect status Breakpoint start_kernel
expect disassembly start_kernel
continue
expect status Breakpoint vfs_write
expect disassembly vfs_write
"""
STEP = 2 << 20  # bytes: what KASLR's choices are multiples of
FAILURES = []


def expect(what, condition, shown=None):
    if not condition:
        FAILURES.append(f"{what}: {shown}")


def shown(orrery, window, *words):
    """What a window shows, and what is said beside it."""
    status, out, err = orrery.run("show", window, "--linux", "--format", "json", *words)
    expect(f"show {window} {words}", status == 0, (status, err, out[:500]))
    return json.loads(out) if status == 0 else {}, err


def check_place(orrery, name, linked, *words, moved):
    """The machine stops at a function's first instruction, and knows it. `moved`: whether KASLR is in force."""
    model, err = shown(orrery, "disassembly", "--at", name, *words)
    first = next((row for row in model.get("instructions", []) if row.get("current")), {})
    expect(f"{name} {words} is reached", err == "" and model.get("where") == name and first.get("label") == name,
           (err, model.get("where"), first))
    slide = int(model.get("address", "0"), 16) - linked
    expect(f"{name} {words} lies where the kernel is", slide % STEP == 0 and 0 <= slide < 1 << 30 and (slide != 0) == moved,
           hex(slide))


def check_gdb(orrery):
    """gdb asks where the kernel is when it attaches; here it does so again once the kernel is up."""
    guest = GdbGuest(orrery.program, ["--linux"], ["sh", "-c", "echo one; exit 5"], orrery.vmlinux)
    script = ["python place = gdb.selected_inferior().connection.details", "monitor goto 6000000000", "disconnect",
              "python gdb.execute('target remote ' + place)", "hbreak *vfs_write", "continue", "info symbol $pc", "delete",
              "detach"]
    status, out, _, (transcript,) = guest.with_gdb(script)
    expect("gdb finds vfs_write", "\nvfs_write in section .text" in transcript, transcript)
    expect("the guest does its work", (status, out) == (5, "one\n"), (status, out))


def check_window(orrery):
    with tempfile.NamedTemporaryFile("w", suffix=".script") as script:
        script.write(SCRIPT)
        script.flush()
        status, out, err = orrery.run("ui", "--headless", "--linux", "--script", script.name)
    expect("breakpoints by name in the window", status == 0, (status, out[-1000:], err[-1000:]))


def main():
    orrery = Orrery(sys.argv[1])
    if not os.path.exists(orrery.vmlinux):
        print(f"{orrery.vmlinux} is not there (target linux-images)")
        return 77
    address = {name: at for at, name in symbols_of(orrery.vmlinux)}
    # Before LSTAR is written.
    check_place(orrery, "start_kernel", address["start_kernel"], moved=True)
    status, out, err = orrery.run("show", "disassembly", "--linux", "--at", "no_such_function")
    expect("an unknown name is refused", status == 2 and out == "" and err.count("\n") == 1 and "no_such_function" in err,
           (status, out, err))
    if os.environ.get("ORRERY_TEST_LONG"):
        check_place(orrery, "start_kernel", address["start_kernel"], "--append", "nokaslr", moved=False)
        check_place(orrery, "vfs_write", address["vfs_write"], "--smp", "2", moved=True)
        check_place(orrery, "vfs_write", address["vfs_write"], "--seed", "5", moved=True)
        status, out, err = orrery.run("show", "tasks", "--linux", "--at", "syscall:write", "--", "echo", "hello")
        expect("tasks are not invented", status == 2 and out == "" and "no debug information" in err, (status, out, err))
        check_window(orrery)
        if shutil.which("gdb"):
            check_gdb(orrery)
    for text in FAILURES:
        print(f"FAILED: {text}")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
