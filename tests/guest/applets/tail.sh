# tail: lines, bytes, from a line on, following.
seq 30 > f; seq 3 > g
tail f; tail -n 3 f; tail -2 f; tail -c 5 f; tail -n +28 f; tail -c +80 f; tail -n1 f g; tail -q -n1 f g; tail nothing; echo status $?; seq 100000 | tail -n 2; printf 'no newline' | tail -n 1; echo
(sleep 1; echo added >> g) & tail -n 1 -f g > out & pid=$!; sleep 4; kill $pid; cat out; wait
