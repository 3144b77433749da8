# hexdump: forms, canonical, formats, skipping.
printf 'Hello, world\n\000\001\377 more bytes to fill lines ...' > f
hexdump f; hexdump -C f; hexdump -c f; hexdump -b f; hexdump -d f; hexdump -o f; hexdump -x f; hexdump -n 8 -C f; hexdump -s 4 -n 4 -C f; hexdump -e '4/1 "%02x " "\n"' f; dd if=/dev/zero bs=64 count=2 2>/dev/null | hexdump -C; hexdump -v /dev/null; hexdump nothing; echo status $?; echo abc | hexdump -C -; echo abc | xxd; echo abc | xxd -p
