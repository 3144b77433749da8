# od: octal, hexadecimal, characters, decimal, addresses, skipping, limits.
printf 'Hello, world\n\000\001\377 more bytes to fill lines ...' > f
od f; od -c f; od -x f; od -b f; od -d f; od -t x1 f; od -t d2 f; od -t u4 f; od -A x -t x1z f; od -A n -t c f; od -j 5 -N 7 -c f; od -A d f | tail -1; dd if=/dev/zero bs=64 count=2 2>/dev/null | od; dd if=/dev/zero bs=64 count=2 2>/dev/null | od -v | wc -l; printf '\0\0\200\77' | od -t f4; od -i f | head -1; od -o f | head -1; od -w8 -t x1 f | head -2
