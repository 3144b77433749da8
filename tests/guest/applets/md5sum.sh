# md5sum: known answers, checking, several files.
printf '' | md5sum; printf abc | md5sum; echo 1 > a; echo 2 > b; md5sum a b > sums; cat sums; md5sum -c sums; md5sum -s -c sums; echo status $?; echo x >> a; md5sum -c sums; echo status $?; seq 100000 | md5sum; md5sum - < b; crc32 a 2>/dev/null; cksum a 2>/dev/null; sum a 2>/dev/null; echo done
