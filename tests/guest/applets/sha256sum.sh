# sha256sum (and its kin): known answers, checking, large input.
printf '' | sha256sum; printf abc | sha256sum; echo hello > f; sha256sum f > sums; cat sums; sha256sum -c sums; echo changed > f; sha256sum -c sums; echo status $?; dd if=/dev/zero bs=65536 count=16 2>/dev/null | sha256sum; sha1sum f; sha512sum f; sha3sum f; sha256sum nothing; echo status $?; seq 100000 | sha256sum
