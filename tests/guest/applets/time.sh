# time: the command's status and output; the figures' form, not their values.
time true 2> t; sed 's/[0-9.]\{1,\}/N/g' t; time sh -c 'echo out; exit 3' 2>/dev/null; echo $?; time -p sleep 1 2> t; sed 's/[0-9.]\{1,\}/N/g' t; awk '/real/ { print ($2 >= 1 && $2 < 5) }' t; time nosuchprogram 2>&1 | head -1; time -f '%x %C' true 2>&1
