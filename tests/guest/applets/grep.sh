# grep: patterns, options, several files, statuses.
printf 'apple\nBanana\ncherry pie\napple tart\n\n12 34\n' > f; printf 'apple\nzebra\n' > g
grep apple f; grep -i banana f; grep -v a f; grep -c apple f; grep -n e f; grep -l apple f g; grep -L zebra f g
grep apple f g; grep -h apple f g; grep -w pie f; grep -x apple f; grep -o 'p[a-z]*' f; grep -E 'apple|[0-9]+ [0-9]+' f; grep -F '.' f; echo status $?
grep -q apple f; echo status $?; grep nothing f; echo status $?; grep x nofile; echo status $?; grep -s x nofile; echo status $?
grep -A1 Banana f; grep -B1 Banana f; grep -C1 cherry f; grep -m1 apple f; grep '^$' f | wc -l; grep -e apple -e cherry f; mkdir d; cp f d; grep -r cherry . | sort; printf 'a\n12' > p; grep -f p f; egrep '^(a|B)' f; fgrep 'e p' f; echo 'aXb' | grep -o '[[:upper:]]'; grep '\(p\)\1' f
