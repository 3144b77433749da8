#!/usr/bin/env python3
"""Runs the programs of tests/guest/programs on our kernel under QEMU and on the host's Linux, and compares.

Each program is built statically with musl-gcc, those called ia32_… without a C library for 32 bits. On the host it runs first: Linux is the oracle, except for the programs
listed in GUEST_ONLY, which must only end with status 0 in the guest. The guest's kernel must not panic.

With ORRERY_EMULATOR=PATH it is Orrery that runs the guest instead of QEMU, with the CPU that ORRERY_CPU names.

usage: qemu_programs.py KERNEL BUSYBOX [PROGRAM...]     exit status: 0 all equal, 1 some differ, 77 cannot run here
"""
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCES = os.path.join(HERE, "programs")
GUEST_ONLY = {"administration", "oom", "fork_limit", "fuzz", "hostname", "huge_pages", "loop_devices",
              "overcommit", "swap"}  # they would harm or depend on the host
MACHINES = {"swap": ("64M", 160 << 20)}  # programs that want a machine of their own: its memory, the bytes of its disk
NOT_UNDER_TCG = {"float_faults", "ia32_limits"}  # QEMU's translator raises no floating-point exceptions, and looks at no limits
# 32-bit programs have no C library (check32.h).
STANDALONE = ["-std=gnu11", "-O1", "-w", "-ffreestanding", "-fno-builtin", "-fno-pie", "-no-pie", "-fno-stack-protector",
              "-mno-sse", "-nostdlib", "-static"]
TIMEOUT_SECONDS = int(os.environ.get("ORRERY_GUEST_TIMEOUT", "240"))
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
[ -n "$SHOW_MEMORY" ] && grep -E "MemFree|Slab|PageTables" /proc/meminfo
for p in $(cat /programs/list); do
    mkdir /tmp/$p; cd /tmp/$p
    echo "@@@ begin $p"
    setsid /programs/$p </dev/null
    echo "@@@ end $p $?"
done
[ -n "$SHOW_MEMORY" ] && grep -E "MemFree|Slab|PageTables" /proc/meminfo
echo "@@@ all done"
poweroff -f
"""


def compiler(name):
    """What a program is compiled with."""
    return ["gcc", "-m32", *STANDALONE] if name.startswith("ia32_") else ["musl-gcc", "-static", "-O1", "-w"]


def build(names, directory):
    for name in names:
        subprocess.run([*compiler(name), "-o", os.path.join(directory, name), os.path.join(SOURCES, name + ".c")],
                       check=True)


def make_initramfs(names, programs, busybox, directory):
    root = os.path.join(directory, "root")
    for d in ("bin", "dev", "proc", "tmp", "etc", "programs"):
        os.makedirs(os.path.join(root, d))
    shutil.copy(busybox, os.path.join(root, "bin/busybox"))
    os.chmod(os.path.join(root, "tmp"), 0o1777)
    for name in names:
        shutil.copy(os.path.join(programs, name), os.path.join(root, "programs", name))
    with open(os.path.join(root, "programs/list"), "w") as f:
        f.write("\n".join(names) + "\n")
    with open(os.path.join(root, "init"), "w") as f:
        f.write(INIT)
    os.chmod(os.path.join(root, "init"), 0o755)
    image = os.path.join(directory, "initramfs.cpio")
    with open(image, "wb") as out:
        find = subprocess.run(["find", "."], cwd=root, stdout=subprocess.PIPE, check=True)
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=root, input=find.stdout, stdout=out,
                       check=True)
    return image


def run_guest(kernel, image, extra, memory="256M"):
    command = ["timeout", str(TIMEOUT_SECONDS), "qemu-system-x86_64", "-m", memory, "-kernel", kernel, "-initrd", image,
               "-append", "console=ttyS0 loglevel=3 orrery.exit_on_panic " + os.environ.get("ORRERY_APPEND", ""), "-display", "none", "-serial", "stdio",
               "-monitor", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4"] + extra
    emulator = os.environ.get("ORRERY_EMULATOR")
    if emulator:
        command = ["timeout", str(TIMEOUT_SECONDS), emulator, "run", "-m", memory, "--kernel", kernel, "--initrd", image,
                   "--append", "loglevel=3 " + os.environ.get("ORRERY_APPEND", ""), "--headless",
                   "--cpu", os.environ.get("ORRERY_CPU", "v2")] + extra
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return result.stdout.decode(errors="replace").replace("\r\n", "\n")


def run_machines(kernel, names, programs, busybox, directory, extra):
    """Runs the programs, those of MACHINES each in a machine of its own; what all consoles showed."""
    usual = [n for n in names if n not in MACHINES]
    text = run_guest(kernel, make_initramfs(usual, programs, busybox, directory), extra) if usual else ""
    for name in (n for n in names if n in MACHINES):
        memory, size = MACHINES[name]
        own = os.path.join(directory, name)
        os.makedirs(own)
        disk = os.path.join(own, "disk.img")
        with open(disk, "wb") as file:
            file.truncate(size)
        if "ORRERY_EMULATOR" in os.environ:
            with_disk = ["--disk", disk + ",rw"]
        else:
            with_disk = ["-drive", f"file={disk},if=virtio,format=raw"]
        text += run_guest(kernel, make_initramfs([name], programs, busybox, own), extra + with_disk, memory)
    return text


def run_host(programs, name):
    with tempfile.TemporaryDirectory() as directory:
        result = subprocess.run(["timeout", "60", "setsid", "-w", os.path.join(programs, name)], cwd=directory,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                preexec_fn=usual_priority)
    return result.stdout.decode(errors="replace"), result.returncode


def usual_priority():
    """As in the guest, whatever the tests are run with."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, 0)
    except PermissionError:
        pass


def main():
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    kernel, busybox = sys.argv[1:3]
    for tool in ("qemu-system-x86_64", "musl-gcc", "cpio"):
        if not shutil.which(tool):
            print(f"{tool} is not installed")
            return 77
    names = sys.argv[3:] or sorted(f[:-2] for f in os.listdir(SOURCES) if f.endswith(".c"))
    extra = os.environ.get("ORRERY_QEMU_ARGS", "").split()
    if "kvm" not in extra and "ORRERY_EMULATOR" not in os.environ:
        names = [n for n in names if n not in NOT_UNDER_TCG]
    failed = []
    with tempfile.TemporaryDirectory() as directory:
        programs = os.path.join(directory, "programs")
        os.makedirs(programs)
        build(names, programs)
        text = run_machines(kernel, names, programs, busybox, directory, extra)
        for name in names:
            match = re.search(rf"^@@@ begin {name}\n(.*?)^@@@ end {name} (\d+)$", text, re.S | re.M)
            if not match:
                print(f"{name}: did not finish in the guest; the console's last lines:")
                print("\n".join(text.splitlines()[-30:]))
                failed.append(name)
                break
            guest, status = match.group(1), int(match.group(2))
            if name in GUEST_ONLY:
                host, host_status = guest, 0
            else:
                host, host_status = run_host(programs, name)
            if re.search("^FAILED", host, re.M):
                print(f"{name}: the test itself is wrong: it fails on Linux")
                print("\n".join(line for line in host.splitlines() if line.startswith("FAILED")))
                failed.append(name)
            if guest == host and status == host_status:
                print(f"{name}: same ({len(guest.splitlines())} lines)")
                continue
            failed.append(name)
            print(f"{name}: differs (status {host_status} on the host, {status} in the guest)")
            sys.stdout.writelines(difflib.unified_diff(host.splitlines(True), guest.splitlines(True), "host", "guest", n=1))
            if name in GUEST_ONLY:
                print(guest)
        if "Kernel panic" in text and not failed:
            failed.append("panic")
            print(text[text.index("Kernel panic") - 200:])
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
