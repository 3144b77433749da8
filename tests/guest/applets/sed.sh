# sed: substitution, addresses, editing in place, hold space, branches.
seq 10 > n; printf 'hello world\nfoo bar\nhello again\n' > t
sed s/hello/bye/ t; sed 's/o/0/g' t; sed 's/o/0/2' t; sed -n 2p t; sed -n '/foo/,$p' t; sed 2d n; sed '3,8d' n; sed '$d' n; sed -n '$=' n
sed 's/\(.*\) \(.*\)/\2 \1/' t; sed -E 's/([a-z]+) ([a-z]+)/[\1] <\2>/' t; sed 's/hello/& &/' t; sed 'y/abc/ABC/' t; sed '/foo/s/bar/BAZ/' t; sed -n 'l' t | head -2
sed '2i\inserted' n | head -3; sed '2a\appended' n | head -3; sed '2c\changed' n | head -3; sed 5q n; sed -n '2~3p' n; sed '/hello/!d' t
sed -i 's/foo/FOO/' t; cat t; sed -n 'H;${x;s/\n/,/g;p}' n; sed ':a;N;$!ba;s/\n/ /g' n; sed -n 'n;p' n; sed G t; sed = t | sed 'N;s/\n/ /'; sed -e 1d -e s/2/two/ n; sed 's/x/y/' nothing; echo status $?; sed 'w out' t > /dev/null; cmp t out; echo 'a/b' | sed 's|/|:|'; echo aaa | sed 's/a/b/3'; sed '1!G;h;$!d' n; printf 'a\tb\n' | sed 's/\t/TAB/'
