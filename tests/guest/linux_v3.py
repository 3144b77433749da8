#!/usr/bin/env python3
"""Debian's kernel and programs on --cpu v3: what Linux finds and uses of XSAVE, AVX and their like, vector registers
across switches and signals, and results that must be the host's.

usage: linux_v3.py ORRERY     exit status: 0 as expected, 1 not, 77 the images or musl-gcc are not there
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
from linux_guest import Checks, Orrery, with_entries  # noqa: E402

FAILURES = []
ADDED = "avx avx2 f16c fma bmi1 bmi2 abm movbe xsave xsaveopt xsavec xgetbv1 xsaves"
# glibc's string functions, hashes and mathematics choose AVX2 and FMA where the CPU has them.
PROGRAM = """import hashlib, math, random
random.seed(7)
data = bytes(random.getrandbits(8) for _ in range(100000))
print(hashlib.sha512(data).hexdigest(), hashlib.blake2b(data).hexdigest())
print(math.fsum(math.sin(i) * math.exp(-i / 1000) * math.pow(i + 1, 0.3) for i in range(5000)).hex())
text = (b"x" * 5000 + b"\\n") * 20 + b"needle"
print(text.find(b"needle"), text.count(b"\\n"), text.rfind(b"\\n"), text[1:] == text[:-1])
"""


def boot(orrery, what, options, checks):
    status, out, err = orrery.linux(["--cpu", "v3", *options], ["sh", "-c", checks.script(5)])
    if status != 5 or err:
        FAILURES.append(f"{what}: {(status, err, out[-2000:])}")
    FAILURES.extend(f"{what}: {text}" for text in checks.failures(out))


def common(checks):
    checks.add("warnings", "dmesg -r | grep '^<[0-4]>'", "")
    checks.add("flags", f"for f in {ADDED}; do grep -qw $f /proc/cpuinfo || echo no $f; done", "")
    checks.add("area", "dmesg | grep -o 'Enabled xstate features.*'",
               "Enabled xstate features 0x7, context size is 832 bytes, using 'compacted' format.\n")


def check_initramfs(orrery, directory):
    program = os.path.join(directory, "vector_state")
    source = os.path.join(HERE, "programs", "vector_state.c")
    subprocess.run(["musl-gcc", "-static", "-O1", "-w", "-o", program, source], check=True)
    initrd = os.path.join(directory, "initrd.cpio")
    with open(orrery.initramfs, "rb") as base, open(program, "rb") as binary, open(initrd, "wb") as out:
        out.write(with_entries(base.read(), [("bin/vector_state", 0o100755, binary.read())]))
    checks = Checks()
    common(checks)
    checks.add("vector registers", "vector_state", re.compile(r"(ok .*\n){10}"))
    boot(orrery, "v3", ["--initrd", initrd], checks)


def check_disk(orrery):
    checks = Checks()
    common(checks)
    checks.add("glibc", "/lib64/ld-linux-x86-64.so.2 --help | grep v3", "  x86-64-v3 (supported, searched)\n")
    host = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True).stdout
    checks.add("python3", f"python3 -c '{PROGRAM}'", host)
    boot(orrery, "Debian's disk on v3", ["--disk", orrery.disk], checks)


def main():
    orrery = Orrery(sys.argv[1])
    if not os.path.exists(orrery.kernel) or not shutil.which("musl-gcc"):
        print("the images or musl-gcc are not there")
        return 77
    with tempfile.TemporaryDirectory() as directory:
        check_initramfs(orrery, directory)
    if os.path.exists(orrery.disk):
        check_disk(orrery)
    for text in FAILURES:
        print(f"FAILED: {text}")
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
