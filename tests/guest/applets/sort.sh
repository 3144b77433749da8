# sort: text, numbers, keys, reverse, unique, many lines through temporary memory.
printf 'pear 3\napple 10\nfig 2\napple 1\n' > f
sort f; sort -r f; sort -k2 f; sort -k2n f; sort -k1,1 -k2nr f; sort -u -k1,1 f; printf '10\n9\n2\n-1\n1.5\n' | sort -n; printf '10\n9\n2\n' | sort; printf 'b\nA\na\nB\n' | sort; printf 'b\nA\na\nB\n' | sort -f
sort -c f; echo status $?; sort -t: -k3n <<E
a:x:3
b:y:1
c:z:2
E
seq 20000 | sort -r | head -3; seq 20000 | sort -rn | tail -2; sort -o f f; cat f; printf 'x\0a\0' | sort -z | tr '\0' '\n'; sort nothing; echo status $?; printf '3K\n2M\n1\n' | sort -h; printf 'c\nb\n' | sort -m - /dev/null; printf 'JAN\nMAR\nFEB\n' | sort -M; printf ' b\na\n' | sort -b; printf 'a\na\nb\n' | sort -s | uniq -c
