# ls: order, types, hidden names, long lines without times, links, recursion.
mkdir d d/sub; echo 12345 > d/file; echo hi > .hidden; ln -s d/file link; ln d/file hard; mkfifo fifo
chmod 750 d; chmod 4755 hard; : > empty; chmod 1777 d/sub
ls; ls -a; ls -A; ls -1 d; ls -F; ls -p; ls -R; ls -d d; ls -r
ls -ln | awk '{ $6 = $7 = $8 = ""; if ($1 !~ /^[dt]/) print }'
ls -l d | awk '$1 ~ /^-/ { print $1, $2, $5, $NF }'
ls -L link; ls -i hard d/file | awk '{ print $1 }' | uniq | wc -l
ls -S d hard; touch -d '2020-01-02 03:04:05' empty; ls --full-time empty 2>/dev/null | awk '{ print $6 }'
ls nothing; echo status $?
