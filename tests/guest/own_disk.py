#!/usr/bin/env python3
"""Disks under our kernel: partitions, a second read that reads nothing, what is written, root=, and what cannot be mounted.

usage: own_disk.py ORRERY INITRAMFS

Exit status 77: mkfs.ext4 or e2fsck is not here.
"""
import hashlib
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile

MIB = 1 << 20


def mbr_disk(path, size):
    """Random bytes with two partitions: 2048+4096 and 8192+1024 sectors."""
    data = bytearray(random.Random(7).randbytes(size))
    data[440:512] = bytes(72)
    data[440:444] = struct.pack("<I", 0xCAFE0001)
    for i, (first, count) in enumerate(((2048, 4096), (8192, 1024))):
        data[446 + 16 * i:462 + 16 * i] = struct.pack("<B3sB3sII", 0, b"\0" * 3, 0x83, b"\0" * 3, first, count)
    data[510:512] = b"\x55\xaa"
    with open(path, "wb") as f:
        f.write(data)
    return bytes(data)


def run(orrery, disks, *arguments):
    command = [orrery, "run", "--headless"]
    for disk in disks:
        command += ["--disk", disk]
    done = subprocess.run(command + list(arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False)
    return done.returncode, done.stdout.decode(errors="replace")


def check(what, holds, seen):
    if not holds:
        sys.exit(f"FAILED: {what}\n{seen}")
    print("ok:", what)


def partitions(orrery, directory):
    path = os.path.join(directory, "mbr.img")
    data = mbr_disk(path, 8 * MIB)
    script = """
        md5sum < /dev/vda; md5sum < /dev/vda1; md5sum < /dev/vda2
        a=$(cat /sys/block/vda/stat); md5sum < /dev/vda > /dev/null; b=$(cat /sys/block/vda/stat)
        set -- $a; before=$1; set -- $b; echo again $(($1 - before))
        echo 1 > /proc/sys/vm/drop_caches; md5sum < /dev/vda > /dev/null; set -- $(cat /sys/block/vda/stat)
        [ $1 -gt $before ] && echo dropped; blockdev --getsize64 /dev/vda2
        grep -c vda /proc/partitions; echo changed | dd of=/dev/vda bs=512 seek=9 conv=sync 2> /dev/null
        dd if=/dev/zero of=/dev/vda1 bs=1024 seek=2040 count=9 2>&1 | grep -c 'No space left'
    """
    status, out = run(orrery, [path], "--", "sh", "-c", script)
    sums = [hashlib.md5(part).hexdigest() + "  -"
            for part in (data, data[2048 * 512:6144 * 512], data[8192 * 512:9216 * 512])]
    wanted = sums + ["again 0", "dropped", str(1024 * 512), "3", "1"]
    check("partitions, counted reads, sizes, the device's end", (status, out.split("\n")[:-1]) == (0, wanted), out)
    with open(path, "rb") as f:
        check("a disk without rw is never changed", f.read() == data, "")
    run(orrery, [path + ",rw"], "--", "sh", "-c", "echo changed | dd of=/dev/vda bs=512 seek=9 conv=sync 2> /dev/null")
    with open(path, "rb") as f:
        after = f.read()
    check("a disk with rw has what was written, and nothing else", after[:4608] == data[:4608] and
          after[4608:5120] == b"changed\n".ljust(512, b"\0") and after[5120:] == data[5120:], "")
    status, out = run(orrery, [path + ",readonly"], "--", "sh", "-c", "cat /sys/block/vda/ro; echo x > /dev/vda")
    check("a read-only disk refuses a writer", status != 0 and out.startswith("1\n"), out)
    for root, words in (("/dev/vdq", "there is no such device"), ("PARTUUID=cafe0001-02", "no file system that this kernel")):
        status, out = run(orrery, [path], "--append", f"root={root} rdinit=/none", "--", "true")
        check(f"root={root} is a panic that says why", status == 255 and "Unable to mount root fs" in out and words in out, out)


def root_from_disk(orrery, initramfs, directory):
    if not shutil.which("mkfs.ext4") or not shutil.which("e2fsck"):
        sys.exit(77)
    tree = os.path.join(directory, "tree")
    os.makedirs(tree)
    with open(initramfs, "rb") as f:
        subprocess.run(["cpio", "-id", "--quiet", "--no-absolute-filenames"], cwd=tree, stdin=f, stderr=subprocess.DEVNULL,
                       check=False)
    image = os.path.join(directory, "root.img")
    with open(image, "wb") as f:
        f.truncate(48 * MIB)
    subprocess.run(["mkfs.ext4", "-q", "-d", tree, image], check=True)
    status, out = run(orrery, [image + ",rw"], "--", "sh", "-c",
                      "mount | grep -c '/dev/vda on / type ext4 (rw'; echo kept > /root/kept; exit 7")
    check("a command runs on the disk's own system", (status, out) == (7, "1\n"), out)
    checked = subprocess.run(["e2fsck", "-fn", image], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    check("e2fsck finds nothing", checked.returncode == 0, checked.stdout.decode())
    status, out = run(orrery, [image], "--", "cat", "/root/kept")
    check("what was written is there the next time", (status, out) == (0, "kept\n"), out)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as directory:
        partitions(sys.argv[1], directory)
        root_from_disk(sys.argv[1], sys.argv[2], directory)


if __name__ == "__main__":
    main()
