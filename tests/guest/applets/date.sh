# date: formats and conversions of given moments (the present differs between runs).
export TZ=UTC
date -u -d @0; date -u -d @1234567890 '+%Y-%m-%d %H:%M:%S %j %u %a %b'; date -u -d '2024-02-29 12:00:00' +%s; date -u -d '2000-01-01 00:00:00' +%A; date -u -R -d @86400; date -u -I -d @86400; touch -d '2015-06-07 08:09:10' f; date -r f '+%F %T'; TZ=EST5 date -d @0 +%H:%M; date -d nonsense; echo status $?
a=$(date +%s); sleep 1; b=$(date +%s); [ $((b - a)) -ge 1 ] && [ $((b - a)) -le 3 ] && echo moved on; [ "$a" -gt 1600000000 ] && echo a real year
