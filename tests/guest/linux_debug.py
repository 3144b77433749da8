#!/usr/bin/env python3
"""Hardware breakpoints, single steps, refused instructions and protection keys as a program under Debian's kernel
sees them, with 5-level paging, in `./test --long` also without. Where the host allows ptrace, what it prints must be the host's too.

usage: linux_debug.py ORRERY     exit status: 0 as expected, 1 not, 77 the images or musl-gcc are not there
"""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from linux_guest import Checks, Orrery, with_entries  # noqa: E402

# Intel SDM vol. 3B, 17.2 and 17.3: data breakpoints after the access, execution breakpoints before; 64 - 18
# iterations of REP STOS are left after the one that is watched.
EXPECTED = """signal 5, DR6 9
signal 5, DR6 8
signal 5, DR6 2, at the function 1
signal 5, DR6 4, 46 left
signal 5, DR6 2, at the function 1
exit 3
step to +5, RCX 3
step to +5, RCX 2
step to +5, RCX 1
step to +7, RCX 0
step to +8, RCX 0
5 traps
icebp: signal 5 code 1
int3: signal 5 code 128
misaligned load: signal 7 code 1
misaligned push: signal 7 code 1
hlt: signal 11 code 128
mov from cr0: signal 11 code 128
mov from dr7: signal 11 code 128
rdpmc: signal 11 code 128
in: signal 11 code 128
cli: signal 11 code 128
int 21h: signal 11 code 128
non-canonical load: signal 11 code 128
non-canonical stack: signal 7 code 128
"""
NO_KEYS = "no protection keys\n"
KEYS = """key, read: signal 0 code 0
key, write: signal 11 code 4
key, read of disabled: signal 11 code 4
"""


def build(directory):
    program = os.path.join(directory, "debug_exceptions")
    source = os.path.join(HERE, "linux_programs", "debug_exceptions.c")
    subprocess.run(["musl-gcc", "-static", "-O1", "-mno-red-zone", "-o", program, source], check=True)
    return program


def boot(orrery, cpu, program, expected, flags):
    with tempfile.NamedTemporaryFile(suffix=".cpio") as initrd:
        with open(orrery.initramfs, "rb") as base, open(program, "rb") as binary:
            initrd.write(with_entries(base.read(), [("bin/debug_exceptions", 0o100755, binary.read())]))
        initrd.flush()
        checks = Checks()
        checks.add("flags", f"for f in {flags}; do grep -qw $f /proc/cpuinfo || echo no $f; done", "")
        checks.add("warnings", "dmesg -r | grep '^<[0-4]>'", "")
        checks.add("program", "debug_exceptions", expected)
        status, out, err = orrery.linux(["--cpu", cpu, "--initrd", initrd.name], ["sh", "-c", checks.script(5)])
    failures = [f"{cpu}: {text}" for text in checks.failures(out)]
    if status != 5 or err:
        failures.append(f"{cpu}: {(status, err, out[-2000:])}")
    return failures


def host_failures(program):
    """What the host prints, where it lets processes trace each other and has what is tried."""
    out = subprocess.run([program], capture_output=True, text=True, timeout=60).stdout
    if "no debug register" in out or "DR6" not in out or out in (EXPECTED + NO_KEYS, EXPECTED + KEYS):
        return []
    return [f"the host disagrees: {out}"]


def main():
    orrery = Orrery(sys.argv[1])
    if not os.path.exists(orrery.kernel) or not shutil.which("musl-gcc"):
        print("the images or musl-gcc are not there")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        program = build(directory)
        failures = host_failures(program)
        if os.environ.get("ORRERY_TEST_LONG"):
            failures += boot(orrery, "v2", program, EXPECTED + NO_KEYS, "umip fsgsbase rdpid monitor")
        failures += boot(orrery, "v3,pku,la57", program, EXPECTED + KEYS, "pku ospke la57")
    for text in failures:
        print(f"FAILED: {text}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
