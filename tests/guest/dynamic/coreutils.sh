# coreutils on files, pipes and /dev/shm.
mkdir -p d/e && echo text >d/e/f && ln d/e/f d/g && ln -s e/f d/h
ls -R d
stat -c '%n %s %h %F' d/e/f d/h
cp -a d c && diff -r c d && echo equal
mv c/e/f c/moved && find c | sort
seq 100000 | sort -R | sort -n | sha256sum
seq 1000 | split -l 300 - part. && wc -l part.*
head -c 1000000 /dev/zero | md5sum
dd if=/dev/zero of=sparse bs=1 count=1 seek=1048575 2>/dev/null && stat -c %s sparse
truncate -s 5 sparse && od -c sparse
echo shared >/dev/shm/orrery-test && cat /dev/shm/orrery-test && rm /dev/shm/orrery-test
timeout 0.1 sleep 5
echo "status $?"
nice -n 5 nice
printf '%s\n' b a c | tee copy | sort | paste -sd,
date -u -d @0 +%F
chmod 640 copy && stat -c %a copy
mkfifo pipe && { echo through >pipe & cat pipe; }
realpath d/h | sed 's|.*/d/|d/|'
yes | head -n 2
env -i A=1 env
nohup true
stdbuf -oL echo line
numfmt --to=iec 1048576
tail -c +3 <<<abcdef
