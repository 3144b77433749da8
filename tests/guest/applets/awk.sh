# awk: fields, arithmetic, arrays, functions, getline, pipes, printf.
printf 'alice 30 1.5\nbob 25 2.25\ncarol 41 3\n' > p
awk '{ print $1 }' p; awk '{ s += $2 } END { print s, NR, s / NR }' p; awk '$2 > 28' p; awk -F: '{ print $2 }' <<E
a:b:c
E
awk 'BEGIN { printf "%5d|%-5s|%05.2f|%x|%c|%e\n", 42, "ab", 3.14159, 255, 65, 12345.678 }'
awk '{ a[$1] = $2 } END { for (k in a) print k, a[k] | "sort" }' p; awk 'function f(x) { return x < 2 ? 1 : x * f(x - 1) } BEGIN { print f(10) }'
awk 'BEGIN { s = "hello"; print length(s), substr(s, 2, 3), index(s, "l"), toupper(s); n = split("a b c", x); print n, x[3]; gsub(/l/, "L", s); print s; print match("foobar", /o+/), RSTART, RLENGTH }'
awk 'NR == 2 { print NF, $NF; $2 = "X"; print }' p; awk 'BEGIN { while (("echo one; echo two" | getline line) > 0) print "got", line }'; awk -v v=7 'BEGIN { print v * 6; print 7 % 3, 2 ^ 10, int(-3.7), sqrt(16), exp(0), log(1), sin(0) }'
awk '/bob/,/carol/ { print NR }' p; awk 'BEGIN { print substr("x", 0), "a" < "b", 10 < 9, "10" < "9" }'; awk '{ print > ($1 ".out") }' p; cat bob.out; awk 'END { print NR > "/dev/stderr" }' p 2>&1; awk 'BEGIN { exit 3 }'; echo $?; awk 'BEGIN { print system("exit 4"); OFS = "-"; $0 = "a b"; $1 = $1; print; print ENVIRON["HOME"] == "" }'; awk 'BEGIN { print length() }' < /dev/null; printf 'a,b\n' | awk 'BEGIN { FS = "," } { print $2, $1 }'; awk 'BEGIN { for (i = 0; i < 3; i++) { if (i == 1) continue; print i } do { i-- } while (i > 0); print i; delete x[1]; print (1 in x) }'
