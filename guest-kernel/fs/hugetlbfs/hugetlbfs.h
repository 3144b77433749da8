// hugetlbfs: files whose data are huge pages of a pool (Linux's Documentation/admin-guide/mm/hugetlbpage.rst). Names,
// owners and limits on inodes are tmpfs's; data are mapped, may be read, and are never written by write(2).
//
// Guarantees: a size is a multiple of the page size; a shared mapping's pages stay reserved with the file.
#pragma once

#include "fs/tmpfs/tmpfs.h"

/// Makes hugetlbfs known to mount(2).
void init_hugetlbfs();

/// A file of huge pages of 2^`shift` bytes (0: the default size) without a name, for memfd_create(MFD_HUGETLB). EINVAL for
/// a size that is not there, ENOMEM.
Result<RefPtr<TmpfsInode>> make_nameless_hugetlbfs_file(unsigned shift, bool sealable);
