# cat: files, standard input, numbering, control characters, errors.
printf 'one\ntwo\n\n\nthree\ttab\n' > a; printf 'no newline' > b
cat a b; echo; cat < a; cat - b < a; echo; cat -n a; cat -b a; cat -v a; cat -A a; cat -e b
printf '\001\002\177\200\377\n' | cat -v
cat nothing a | head -1; cat nothing; echo status $?; cat .; echo status $?
dd if=/dev/zero bs=1000 count=300 2>/dev/null | cat | cat | wc -c
