# kill: names and numbers, statuses, traps, groups, job control of a script.
kill -l 9; kill -l TERM; kill -l | wc -l; sleep 50 & p=$!; kill -0 $p; echo alive $?; kill $p; wait $p; echo $?; kill -0 $p 2>/dev/null; echo gone $?
for s in HUP INT QUIT KILL USR1 SEGV ALRM PIPE; do sh -c "kill -$s \$\$; sleep 1" 2>/dev/null; echo $s $?; done
trap 'echo got usr1' USR1; kill -USR1 $$; trap '' USR2; kill -USR2 $$; echo survived; trap - USR1
sh -c 'trap "echo bye" EXIT; kill -TERM $$; sleep 1'; echo $?; (sleep 60 & sleep 60 & kill -STOP $!; kill -CONT $!; kill %1 %2 2>/dev/null; kill $! 2>/dev/null; wait; echo cleaned); kill 999999; echo status $?; kill -NOSIG 1; echo status $?; setsid sh -c 'sleep 30 & sleep 30 & kill -TERM 0; sleep 5'; echo group $?
