# test and [: strings, numbers, files, logic.
t() { "$@"; echo "$* -> $?"; }
t test a = a; t test a != a; t test -z ''; t test -n ''; t test 1 -lt 2; t test 2 -le 1; t test 10 -gt 9; t test 5 -eq 05; t test abc; t test ''; t test ! a; t test a -a b; t test '' -o b; t test -1 -ge -2
echo x > f; : > e; mkdir d; ln -s f l; ln -s no b; mkfifo p; chmod 000 e; chmod 755 f; chmod u+s,g+s d; chmod +t d
for o in e f d h L p s r w x c b S u g k; do for n in f d l b p e none /dev/null; do test -$o $n; echo "-$o $n $?"; done; done
t test f -nt d; t test f -ef f; t test f -ef l; touch -d 2001-01-01 old; t test f -nt old; t test old -ot f; t [ 1 = 1 ]; [ 1 = 1; echo status $?; t test -t 99; t test 1 -eq x; t test \( a \); t test a = b -o c = c
