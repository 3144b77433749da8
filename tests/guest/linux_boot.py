#!/usr/bin/env python3
"""Boots Debian's own kernel once and looks at it from inside: its log, its devices, 32-bit programs, a disk, the exit
status. With ORRERY_TEST_LONG=1 also its other ways to boot: memory sizes, kernel options, a panic, two runs of one hash.

usage: linux_boot.py ORRERY     exit status: 0 as expected, 1 not, 77 the images are not there
"""
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from linux_guest import Checks, Orrery, symbols_of, with_entries  # noqa: E402

FAILURES = []


def expect(what, condition, shown=None):
    if not condition:
        FAILURES.append(f"{what}: {shown}")


def expect_checks(what, checks, result, status=0):
    """The boot ended with `status`, said nothing on stderr, and every check printed what it should."""
    expect(what, result[0] == status and result[2] == "", (result[0], result[2], result[1][-2000:]))
    FAILURES.extend(f"{what}: {text}" for text in checks.failures(result[1]))


def quiet_log(checks):
    """The kernel's log holds nothing of level warning or worse, and none of the words that mean trouble."""
    checks.add("warnings", "dmesg -r | grep '^<[0-4]>'", "")
    checks.add("trouble", "dmesg | grep -E 'Firmware Bug|Call Trace|[Uu]nstable|stalls|BUG|Oops|lockup|WARNING'", "")
    checks.add("clock source", "cat /sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n")


def check_symbols(orrery, listing):
    """The symbols of vmlinux are the kernel's own, all moved by one slide but for the per-CPU area's."""
    known = symbols_of(orrery.vmlinux)
    address = {name: at for at, name in known}
    lines = [line.split() for line in listing.splitlines()]
    expect("number of symbols", lines and lines[0] == [str(len(known))], (lines[:1], len(known)))
    rows = [(int(at, 16), name) for at, _, name in lines[1:]]
    slide = next((at - address["_text"] for at, name in rows if name == "_text"), 0)
    expect("KASLR's slide", 0 < slide < 1 << 30 and slide % (2 << 20) == 0, hex(slide))
    moved = {(at + slide if at >> 31 else at, name) for at, name in known}
    wrong = [row for row in rows if row not in moved]
    expect("symbols of vmlinux", not wrong and len(rows) > 150, (len(rows), wrong[:5]))


def check_one_boot(orrery, directory):
    disk = os.path.join(directory, "disk.img")
    content = b"".join(hashlib.sha512(b"%d" % i).digest() for i in range(16384))
    with open(disk, "wb") as file:
        file.write(content)
    with open(orrery.initramfs, "rb") as file:
        base = file.read()
    with open(orrery.busybox_i386, "rb") as file:
        busybox = file.read()
    initrd = os.path.join(directory, "initrd.cpio")
    with open(initrd, "wb") as file:
        file.write(with_entries(base, [("bin/busybox32", 0o100755, busybox)]))
    release = os.listdir(os.path.join(orrery.images, "linux", "modules", "lib", "modules"))[0]

    checks = Checks()
    quiet_log(checks)
    checks.add("release", "uname -srm; nproc", f"Linux {release} x86_64\n1\n")
    checks.add("page attributes", "dmesg | grep -c 'PAT: Configuration .0-7.: WB  WC  UC- UC  WB  WP  UC- WT'", "1\n")
    checks.add("memory attributes", "grep -c 'Not affected\\|Mitigation' /sys/devices/system/cpu/vulnerabilities/retbleed", "1\n")
    checks.add("drivers", "for d in /sys/bus/virtio/devices/*; do basename $(readlink $d/driver); done | sort",
               "virtio_blk\nvirtio_console\nvirtio_net\nvirtio_rng\n")
    checks.add("message-signalled interrupts", "grep 'PCI-MSI.*virtio' /proc/interrupts | wc -l", re.compile(r"[4-9]\n|1\d\n"))
    checks.add("random numbers", "cat /sys/class/misc/hw_random/rng_current; head -c 16 /dev/hwrng | wc -c", "virtio_rng.0\n16\n")
    checks.add("network card", "cat /sys/class/net/eth0/address; ip link set eth0 up; cat /sys/class/net/eth0/carrier",
               "52:54:00:12:34:56\n1\n")
    checks.add("disk", "sha256sum </dev/vda", hashlib.sha256(content).hexdigest() + "  -\n")
    checks.add("disk written", "echo hello | dd of=/dev/vda conv=notrunc 2>/dev/null; sync; "
               "echo 3 >/proc/sys/vm/drop_caches; head -c 6 /dev/vda", "hello\n")
    checks.add("32-bit busybox", "dd if=/bin/busybox32 bs=1 skip=4 count=1 2>/dev/null | hexdump -e '/1 \"%d\\n\"'; "
               "busybox32 sha256sum </bin/busybox32", "1\n" + hashlib.sha256(busybox).hexdigest() + "  -\n")
    checks.add("32-bit shell", "busybox32 sh -c 'busybox32 seq 1 1000 | busybox32 sort -rn | busybox32 head -n 1; "
               "(busybox32 sleep 0.1; exit 3); echo $?; echo $((1<<40))'", "1000\n3\n1099511627776\n")
    checks.add("32-bit x87", "busybox32 awk 'BEGIN { printf \"%.17g %.17g %d\\n\", 1 / 3, 22 / 7 * 1e-300, 1e9 / 7 }'",
               f"{1 / 3:.17g} {22 / 7 * 1e-300:.17g} {int(1e9 / 7)}\n")
    checks.add("symbols", "grep -vc '\\[' /proc/kallsyms; grep -v '\\[' /proc/kallsyms | awk '/ _text$/ || NR % 500 == 0'",
               re.compile(r"\d+\n([0-9a-f]{16} . \S+\n)+"))
    checks.add("time", "date -u +%Y-%m-%d", "2024-01-01\n")
    result = orrery.linux(["--initrd", initrd, "--disk", disk], ["sh", "-c", checks.script(7)])
    expect_checks("one boot", checks, result, status=7)
    check_symbols(orrery, checks.printed(result[1], "symbols"))
    with open(disk, "rb") as file:
        expect("the disk's file is as it was", file.read() == content)


def check_debian_disk(orrery, directory):
    """Debian's own programs from its disk, which is never written."""
    before = os.stat(orrery.disk)
    checks = Checks()
    quiet_log(checks)
    checks.add("root", "grep ' / ' /proc/mounts | cut -d' ' -f1-3; cat /etc/debian_version", re.compile(r"/dev/vda / ext4\n12\.\d+\n"))
    digest = hashlib.sha256(b"orrery" * 100000).hexdigest()
    checks.add("python3", "python3 -c 'import hashlib,sys; print(hashlib.sha256(b\"orrery\"*100000).hexdigest(), "
               "sys.version_info[:2])'", f"{digest} (3, 11)\n")
    checks.add("apt", "apt-get --version | head -n 1; dpkg -s bash | grep ^Status", re.compile(r"apt 2\.6\.\d+ \(amd64\)\nStatus: install ok installed\n"))
    checks.add("bash", "bash -c 'declare -A a=([x]=1); echo ${a[x]} ${BASH_VERSINFO[0]}'", "1 5\n")
    checks.add("procps", "ps -o comm= -p 1; ps -e -o pid= | grep -c .", re.compile(r"sh\n\d+\n"))
    checks.add("written", "echo kept >/root/file; sync; cat /root/file", "kept\n")
    result = orrery.linux(["--disk", orrery.disk], ["bash", "-c", checks.script(3)])
    expect_checks("Debian's disk", checks, result, status=3)
    after = os.stat(orrery.disk)
    expect("debian.img is not written", (before.st_mtime_ns, before.st_size) == (after.st_mtime_ns, after.st_size))
    if not os.environ.get("ORRERY_TEST_LONG"):
        return
    checks = Checks()
    checks.add("root", "grep ' / ' /proc/mounts | cut -d' ' -f1-3; touch /file && echo written", "overlay / overlay\nwritten\n")
    result = orrery.linux(["--disk", orrery.disk + ",readonly"], ["bash", "-c", checks.script(0)])
    expect_checks("Debian's disk, read-only", checks, result)
    copy = os.path.join(directory, "copy.img")
    shutil.copy(orrery.disk, copy)
    result = orrery.linux(["--disk", copy + ",rw"], ["bash", "-c", "echo kept >/root/file"])
    expect("a disk to be written", result[0] == 0, result)
    result = orrery.linux(["--disk", copy], ["bash", "-c", "cat /root/file; dmesg -r | grep '^<[0-4]>'"])
    expect("what was written is there", result[1] == "kept\n", result)


def check_bad_input(orrery, directory):
    lone = os.path.join(directory, "orrery")
    shutil.copy(orrery.program, lone)
    for words, mention in ((["--linux", "--kernel", orrery.kernel], "--kernel"),):
        status, out, err = orrery.run("run", "--headless", *words)
        expect(f"{words} is refused", status == 2 and out == "" and err.count("\n") == 1 and mention in err, (status, out, err))
    status, out, err = Orrery(lone).run("run", "--linux", "--", "true")
    expect("without the image: one line, status 2", status == 2 and out == "" and err.count("\n") == 1 and
           "images/linux/bzImage" in err, (status, out, err))


def check_ways_to_boot(orrery, directory):
    """Other memory sizes and kernel options; each with its own quiet log."""
    ways = [("256 MiB", ["-m", "256M"], "", 256), ("1 GiB", ["-m", "1G"], "", 1024), ("4 GiB", ["-m", "4G"], "", 4096),
            ("6 GiB", ["-m", "6G"], "", 6144), ("no KASLR", ["--append", "nokaslr"], "nokaslr", 512),
            ("no mitigations", ["--append", "mitigations=off"], "mitigations=off", 512),
            ("one CPU", ["--append", "maxcpus=1"], "maxcpus=1", 512),
            ("one tick an instruction", ["--clock", "icount"], "", 512), ("another seed", ["--seed", "77"], "", 512)]
    for what, options, word, mebibytes in ways:
        checks = Checks()
        quiet_log(checks)
        checks.add("option", f"grep -c '{word}$' /proc/cmdline", "1\n")
        # The kernel keeps a part to itself: a fixed one, and one that grows with the memory.
        checks.add("memory", "sed -n 's/^MemTotal: *\\([0-9]*\\) kB$/\\1/p' /proc/meminfo | "
                   f"awk '{{ print ($1 > {(mebibytes * 0.95 - 90) * 1024:.0f} && $1 < {mebibytes * 1024}) }}'", "1\n")
        result = orrery.linux(options, ["sh", "-c", checks.script(0)])
        expect_checks(what, checks, result)
    result = orrery.linux(["--append", "rdinit=/nonexistent init=/nonexistent"], ["true"])
    expect("a panic is status 255", result[0] == 255 and "Kernel panic" in result[1], result)


def check_determinism(orrery, directory):
    hashes = set()
    for _ in range(2):
        path = os.path.join(directory, "stats.json")
        orrery.linux(["--stats", path], ["sh", "-c", "ls -lR /etc | md5sum; head -c 8 /dev/urandom | md5sum"])
        with open(path, encoding="utf-8") as file:
            hashes.add(json.load(file)["state_hash"])
    expect("two runs end in one state", len(hashes) == 1, hashes)


def main():
    orrery = Orrery(sys.argv[1])
    for needed in (orrery.kernel, orrery.vmlinux, orrery.initramfs, orrery.busybox_i386, orrery.disk):
        if not os.path.exists(needed):
            print(f"{needed} is not there (targets linux-images, busybox-i386, debian-image)")
            return 77
    tests = [check_bad_input, check_one_boot, check_debian_disk]
    if os.environ.get("ORRERY_TEST_LONG"):
        tests += [check_ways_to_boot, check_determinism]
    with tempfile.TemporaryDirectory() as directory:
        for test in tests:
            before = len(FAILURES)
            test(orrery, directory)
            print(f"{test.__name__}: {'as expected' if len(FAILURES) == before else 'FAILED'}", flush=True)
    for failure in FAILURES:
        print("FAILED:", failure)
    return 1 if FAILURES else 0


if __name__ == "__main__":
    sys.exit(main())
