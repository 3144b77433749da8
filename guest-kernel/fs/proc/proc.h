// procfs: what the kernel tells about itself and its processes as files (proc(5)).
#pragma once

void init_procfs();
