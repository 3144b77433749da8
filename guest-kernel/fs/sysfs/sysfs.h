// sysfs: the tree of kernel objects (drivers/base/kobject.h) as files (sysfs(5)).
//
// Guarantees: one instance; nothing in it but that tree. A file's text is made by its attribute when it is read; a file
// whose object has gone answers ENODEV.
#pragma once

void init_sysfs();
