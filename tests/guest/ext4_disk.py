#!/usr/bin/env python3
"""ext4, ext3 and ext2 on a disk that this machine's mke2fs has made: our kernel writes a tree, is switched off in the
middle of more, and finds what was synced; e2fsck finds nothing wrong. With --linux Debian's kernel in the same
emulator takes turns with ours on the same disk: each reads what the other has written, and replays the other's
journal.

usage: ext4_disk.py ORRERY [--linux]
exit status: 0 all well, 1 something is wrong, 77 cannot run here
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile

os.environ["PATH"] += ":/sbin:/usr/sbin"
KINDS = {
    "ext4": ["-t", "ext4"],
    "ext4, 4 KiB": ["-t", "ext4", "-b", "4096"],
    "ext3": ["-t", "ext3"],
    "ext2": ["-t", "ext2"],
}
BUDGET = 40_000_000_000  # instructions

# What a turn does: checks what the turns before have left, adds its own (`$N`), and goes without unmounting.
TURN = """
mkdir /m
mount -t {fs} /dev/vda /m || exit 1
cd /m
for sums in sums.*; do [ -e "$sums" ] && {{ md5sum -c "$sums" > /check || cat /check; wc -l < "$sums"; }}; done
mkdir t{n} t{n}/deep t{n}/many
dd if=/dev/urandom of=t{n}/big bs=64k count=50 2> /dev/null
dd if=/dev/urandom of=t{n}/sparse bs=1k count=3 seek=4000 2> /dev/null
i=0; while [ $i -lt 150 ]; do echo "$i of turn {n}" > "t{n}/many/a name that is long enough to fill blocks, number $i"; i=$((i+1)); done
i=0; while [ $i -lt 150 ]; do rm "t{n}/many/a name that is long enough to fill blocks, number $i"; i=$((i+3)); done
cp -a /bin/busybox t{n}/deep/busybox
ln t{n}/deep/busybox t{n}/hard
ln -s deep/busybox t{n}/soft
echo one > t{n}/renamed.tmp; mv t{n}/renamed.tmp t{n}/renamed
truncate -s 100001 t{n}/big
rm -rf t{before}/many
find t{n} -type f | sort > /list
while read -r f; do md5sum "$f"; done < /list > sums.{n}
[ -e sums.{before} ] && {{ grep -v /many/ sums.{before} > sums.new; mv sums.new sums.{before}; }}
sync
echo "turn {n} done"
i=0; while [ $i -lt 40 ]; do echo "lost, perhaps" > "lost{n}.$i"; i=$((i+1)); done
{end}
"""


def run(options, linux, image, script, writable=True):
    command = [options.orrery, "run", "--headless", "-m", "512M", "--max-insns", str(BUDGET), "--disk",
               image + (",rw" if writable else "")]
    if linux:
        command.append("--linux")
    command += ["--", "sh", "-c", script]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return result.stdout.decode(errors="replace").replace("\r\n", "\n")


def fsck(image):
    checked = subprocess.run(["e2fsck", "-fn", image], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return "" if checked.returncode == 0 else checked.stdout.decode(errors="replace")


def try_kind(options, name, arguments, directory):
    """What is wrong with it, or ""."""
    image = os.path.join(directory, "disk.img")
    if os.path.exists(image):
        os.remove(image)
    subprocess.run(["mke2fs", "-q", "-F", *arguments, image, "48M"], check=True, stdout=subprocess.DEVNULL)
    fs = name.split(",")[0]
    journal = fs != "ext2"
    turns = [False, True, False, True, False] if options.linux else [False, False]
    for n, linux in enumerate(turns):
        last = n + 1 == len(turns)
        # Without a journal nothing survives being switched off.
        end = "cd /; umount /m" if last or not journal else "echo b > /proc/sysrq-trigger; sleep 100" if linux else "poweroff -nf"
        said = run(options, linux, image, TURN.format(fs=fs, n=n, before=n - 1, end=end))
        who = "Debian's kernel" if linux else "ours"
        if f"turn {n} done" not in said or "FAILED" in said or "rror" in re.sub(r"errors=", "", said):
            return f"turn {n} ({who}): {said[-2000:]}"
        if len(re.findall(r"^\d+$", said, re.M)) != n:
            return f"turn {n} ({who}) does not see what the turns before have written: {said[-2000:]}"
        if last or not journal:
            trouble = fsck(image)
            if trouble:
                return f"after turn {n} ({who}): {trouble}"
    return ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("orrery")
    parser.add_argument("--linux", action="store_true")
    options = parser.parse_args()
    for tool in ("mke2fs", "e2fsck"):
        if not shutil.which(tool):
            print(f"{tool} is not installed")
            return 77
    failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for name, arguments in KINDS.items():
            trouble = try_kind(options, name, arguments, directory)
            print(f"{name}: {'failed' if trouble else 'passed'}", flush=True)
            if trouble:
                failed += 1
                print(trouble, flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
