# uniq: counting, repeated, unique, fields.
printf 'a\na\nb\nc\nc\nc\na\n' > f
uniq f; uniq -c f; uniq -d f; uniq -u f; uniq -i <<E
A
a
b
E
printf '1 x\n2 x\n3 y\n' | uniq -f1; printf 'ax\nbx\ncy\n' | uniq -s1; printf 'abc\nabd\nxyz\n' | uniq -w2; uniq f out; cat out; uniq nothing; echo status $?
