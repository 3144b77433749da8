# What bash itself asks of a kernel: substitution by pipes in /dev/fd, job control, traps, coprocesses.
cat <(echo one) <(echo two)
comm <(printf '1\n2\n') <(printf '1\n3\n')
tee >(tr a-z A-Z >upper) <<<'through a pipe' >/dev/null
wait $!
while [ ! -s upper ]; do :; done
cat upper
echo back >/dev/fd/1
read -r word </dev/stdin <<<'from a string'
echo "$word"
coproc CAT { cat; }
pid=$CAT_PID
echo to the coprocess >&"${CAT[1]}"
read -r line <&"${CAT[0]}"
echo "$line"
eval "exec ${CAT[1]}>&-"
wait $pid
trap 'echo USR1 came' USR1
kill -USR1 $$
sleep 10 &
kill $!
wait $! 2>/dev/null
echo "status $?"
set -m
(exit 3) &
wait $!
echo "status $?"
declare -A colours=([red]=1 [blue]=2)
echo "${colours[red]}${colours[blue]} ${#colours[@]}"
for ((i = 0; i < 3; i++)); do printf '%d ' "$i"; done
echo
[[ abc =~ ^a(.)c$ ]] && echo "${BASH_REMATCH[1]}"
{ /bin/bash -c 'kill -SEGV $$'; } 2>/dev/null
echo "status $?"
trap 'echo leaving' EXIT
