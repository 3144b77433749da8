#!/usr/bin/env python3
"""Runs the scripts of tests/guest/applets with Debian's busybox on our kernel under QEMU and on the host, and
compares their output line by line: the host's Linux is the oracle.

Each script runs as `busybox sh NAME.sh` in an empty directory, as root, with busybox's applets alone in PATH.

With ORRERY_GUEST_TREE=DIRECTORY the guest has the files below that besides, instead of BUSYBOX if there is one in it: a
dynamically linked one with its libraries, which the host need not have.

usage: qemu_applets.py KERNEL BUSYBOX [NAME...]     exit status: 0 all equal, 1 some differ, 77 cannot run here
Environment: ORRERY_EMULATOR: the orrery to run it on instead of QEMU; ORRERY_GUEST_TIMEOUT seconds for the whole run (600), ORRERY_QEMU_ARGS more arguments for QEMU, or for the orrery.
"""
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SCRIPTS = os.path.join(HERE, "applets")
TIMEOUT_SECONDS = int(os.environ.get("ORRERY_GUEST_TIMEOUT", "600"))
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin HOME=/
mount -t proc proc /proc
mount -t devtmpfs devtmpfs /dev
for s in $(cat /applets/list); do
    mkdir /tmp/$s; cd /tmp/$s
    echo "@@@ begin $s"
    env -i PATH=/bin /bin/busybox sh /applets/$s.sh </dev/null 2>&1 | cat
    echo; echo "@@@ end $s"
    cd /; rm -rf /tmp/$s
done
echo "@@@ all done"
poweroff -f
"""


def make_initramfs(names, busybox, directory):
    root = os.path.join(directory, "root")
    for d in ("bin", "dev", "proc", "tmp", "etc", "applets"):
        os.makedirs(os.path.join(root, d))
    shutil.copy(busybox, os.path.join(root, "bin/busybox"))
    if "ORRERY_GUEST_TREE" in os.environ:
        shutil.copytree(os.environ["ORRERY_GUEST_TREE"], root, symlinks=True, dirs_exist_ok=True)
    os.chmod(os.path.join(root, "tmp"), 0o1777)
    for name in names:
        shutil.copy(os.path.join(SCRIPTS, name + ".sh"), os.path.join(root, "applets"))
    with open(os.path.join(root, "applets/list"), "w") as f:
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


def run_guest(kernel, image):
    command = ["timeout", str(TIMEOUT_SECONDS), "qemu-system-x86_64", "-m", "256M", "-kernel", kernel, "-initrd", image,
               "-append", "console=ttyS0 loglevel=3 orrery.exit_on_panic", "-display", "none", "-serial", "stdio",
               "-monitor", "none", "-no-reboot", "-device", "isa-debug-exit,iobase=0xf4"]
    command += os.environ.get("ORRERY_QEMU_ARGS", "").split()
    emulator = os.environ.get("ORRERY_EMULATOR")
    if emulator:
        command = ["timeout", str(TIMEOUT_SECONDS), emulator, "run", "--headless", "-m", "256M", "--kernel", kernel,
                   "--initrd", image, "--append", "loglevel=3"] + os.environ.get("ORRERY_QEMU_ARGS", "").split()
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return result.stdout.decode(errors="replace").replace("\r\n", "\n")


def run_host(busybox, name, directory):
    """The same script on the host: same names for the script and the applets, so that messages agree."""
    work = os.path.join(directory, "work", name)
    os.makedirs(work)
    script = os.path.join(SCRIPTS, name + ".sh")
    result = subprocess.run(["timeout", "120", os.path.join(directory, "bin/busybox"), "sh", script], cwd=work,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            env={"PATH": os.path.join(directory, "bin")})
    text = result.stdout.decode(errors="replace").replace("\r\n", "\n")
    text = text.replace(os.path.join(directory, "bin"), "/bin").replace(os.path.join(directory, "work"), "/tmp")
    return text.replace(SCRIPTS, "/applets") + "\n"


def main():
    if len(sys.argv) < 3:
        print(__doc__)
        return 2
    kernel, busybox = sys.argv[1:3]
    for tool in ("qemu-system-x86_64", "cpio"):
        if not shutil.which(tool):
            print(f"{tool} is not installed")
            return 77
    for needed in (busybox, os.environ.get("ORRERY_GUEST_TREE", busybox)):
        if not os.path.exists(needed):
            print(f"{needed} is not there")
            return 77
    if os.geteuid() != 0:
        print("the scripts compare files that only root can make")
        return 77
    names = sys.argv[3:] or sorted(f[:-3] for f in os.listdir(SCRIPTS) if f.endswith(".sh"))
    failed = []
    with tempfile.TemporaryDirectory() as directory:
        os.makedirs(os.path.join(directory, "bin"))
        shutil.copy(busybox, os.path.join(directory, "bin/busybox"))
        subprocess.run([os.path.join(directory, "bin/busybox"), "--install", "-s", os.path.join(directory, "bin")],
                       check=True)
        text = run_guest(kernel, make_initramfs(names, busybox, directory))
        for name in names:
            match = re.search(rf"^@@@ begin {name}\n(.*?)^@@@ end {name}$", text, re.S | re.M)
            if not match:
                print(f"{name}: did not finish in the guest; the console's last lines:")
                print("\n".join(text.splitlines()[-30:]))
                failed += names[names.index(name):]
                break
            guest, host = match.group(1), run_host(busybox, name, directory)
            if guest == host:
                print(f"{name}: same ({len(guest.splitlines())} lines)")
                continue
            failed.append(name)
            print(f"{name}: differs")
            sys.stdout.writelines(difflib.unified_diff(host.splitlines(True), guest.splitlines(True), "host", "guest", n=1))
    print(f"{len(names) - len(failed)} of {len(names)} scripts agree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
