# head: lines, bytes, several files, all but the last.
seq 30 > f; seq 3 > g
head f; head -n 3 f; head -2 f; head -c 5 f; echo; head -n -27 f; head f g | tail -5; head -q -n1 f g; head -v -n1 g; head nothing; echo status $?; yes | head -n 2; head -c 100000 /dev/zero | wc -c; head -n 0 f
