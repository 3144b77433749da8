# rm and rmdir: files, trees, force, errors.
echo 1 > a; mkdir -p d/e/f; echo 2 > d/e/f/g; ln -s ../d d/loop
rm a; ls; rm d; echo status $?; rmdir d; echo status $?; rm -r d; ls; echo status $?
rm nothing; echo status $?; rm -f nothing; echo status $?; mkdir x; rmdir x; mkdir -p p/q/r; rmdir -p p/q/r; ls
echo 1 > -dash; rm -- -dash; ls; echo 1 > ro; chmod 444 ro; rm -f ro; ls; rm . 2>&1 | head -1; rm; echo status $?
mkdir t; for i in $(seq 200); do : > t/$i; done; rm -rf t; ls
