# sleep: passes, fractions, bad numbers, interruption.
a=$(date +%s); sleep 1; b=$(date +%s); [ $((b - a)) -ge 1 ] && echo slept; sleep 0; echo $?; sleep 0.1; echo $?; sleep x; echo status $?; sleep; echo status $?
sleep 100 & p=$!; kill $p; wait $p; echo status $?; sleep 100 & p=$!; kill -9 $p; wait $p 2>/dev/null; echo status $?; timeout 1 sleep 100; echo status $?; usleep 1000; echo $?; (trap 'echo trapped; exit 5' TERM; sleep 3 & wait $!) & p=$!; sleep 1; kill $p; wait $p; echo status $?
