# cut: bytes, characters, fields, delimiters, ranges.
printf 'a:b:c:d\none:two\nnodelim\n' > f
cut -d: -f2 f; cut -d: -f1,3- f; cut -d: -f-2 f; cut -d: -s -f1 f; cut -c1-3 f; cut -b2 f; cut -c 2,4 f; printf 'x\ty\tz\n' | cut -f2; cut -d: -f5 f; cut f; echo status $?; cut -c1 nothing; echo status $?; cut -d: -f3,1 f
