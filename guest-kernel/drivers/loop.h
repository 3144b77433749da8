// Loop devices: /dev/loopN, block devices whose sectors are the bytes of a file, and /dev/loop-control (loop(4)).
#pragma once

/// /dev/loop-control. The devices come when it is first opened, eight as Debian's module makes them, more when asked.
void init_loop();
