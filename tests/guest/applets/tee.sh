# tee: copies, appends, several files, errors.
echo one | tee a; cat a; echo two | tee -a a b; cat a b; seq 3 | tee x y z | wc -l; cat x y z | wc -l; seq 100000 | tee big | md5sum; md5sum < big; echo e | tee /nodir/x; echo status $?; echo q | tee > r; cat r; yes | tee w | head -n 1; echo i | tee -i v
