// --device and --fw_cfg: test devices by QEMU's names and spellings.
#pragma once

#include <string>
#include <vector>

#include "devices/test_devices.h"

namespace orrery {

// "pc-testdev", "fw_cfg", "isa-debug-exit[,iobase=N][,iosize=N]" (as QEMU, 501H and 2 ports unless said
// otherwise); what is there already may be named again. Throws ConfigError.
void add_test_device(TestDevices& wanted, const std::string& word);
std::vector<std::string> test_device_list(const TestDevices& wanted);

// "[name=]NAME,file=PATH" or "[name=]NAME,string=TEXT"; asks for the device too. Throws ConfigError, BootError for a file that cannot be read.
void add_fw_cfg_file(TestDevices& wanted, const std::string& word);
// The files' names, each as a word without its bytes.
std::vector<std::string> fw_cfg_list(const TestDevices& wanted);

}  // namespace orrery
