# wc: lines, words, bytes, characters, longest line, totals.
printf 'one two\nthree\n' > a; printf 'no newline at end' > b; : > c
wc a; wc -l a b c; wc -w a; wc -c b; wc -L a b; wc < a; cat a b | wc; wc nothing a; echo status $?; printf 'h\303\251llo\n' | wc -c; seq 100000 | wc
