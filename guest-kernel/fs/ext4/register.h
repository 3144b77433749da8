// The types ext4, ext3 and ext2, as mount(2) knows them.
#pragma once

/// Makes them known; from then on the flusher commits what has changed in them every few seconds (commit=).
void init_ext4();
