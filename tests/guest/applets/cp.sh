# cp: data, modes, recursion, links, preservation, errors.
echo data > a; chmod 640 a; cp a b; cat b; ls -l b | cut -c1-10
cp -p a c; ls -l c | cut -c1-10; mkdir -p d/e; echo x > d/e/f; ln -s e/f d/l; cp -r d d2; find d2 | sort
cp -a d d3; readlink d3/l; cat d3/l; cp -L d/l plain; cat plain
cp a d; cat d/a; cp -i a b < /dev/null; echo; cp -f a b; cp nothing x; echo status $?; cp d x; echo status $?
touch -d '2001-02-03 04:05:06' old; cp -p old old2; date -r old2 +%Y-%m-%d_%H:%M:%S
dd if=/dev/urandom of=big bs=4096 count=100 2>/dev/null; cp big big2; cmp big big2; echo same $?
cp -s a soft; readlink soft; cp -l a hard; ls -l hard | awk '{ print $2 }'; cp -u old a; cat a; cp a a; echo status $?
