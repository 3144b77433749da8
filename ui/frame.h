// What the machine's thread hands to the window: models computed at one moment, complete in themselves. The
// window never touches the machine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "emulator/core/observe/events.h"
#include "emulator/inspect/models/address_space.h"
#include "emulator/inspect/models/bookmarks.h"
#include "emulator/inspect/models/devices.h"
#include "emulator/inspect/models/disassembly.h"
#include "emulator/inspect/models/framebuffer.h"
#include "emulator/inspect/models/memory.h"
#include "emulator/inspect/models/page_walk.h"
#include "emulator/inspect/models/registers.h"
#include "emulator/inspect/models/ring.h"
#include "emulator/inspect/models/syscalls.h"
#include "emulator/inspect/models/tasks.h"
#include "emulator/inspect/models/timeline.h"
#include "emulator/inspect/models/tlb.h"
#include "emulator/points/breakpoints.h"

namespace orrery {

// Views by their number in views() (views.h), a bit each.
using ViewSet = u32;
inline constexpr ViewSet kAllViews = ~ViewSet{0};

// What the windows look at: the one shared selection, as the user typed or clicked it.
struct Selection {
    std::string walk_address = "rip";  // page walk
    std::string code_address;          // disassembly; empty: follows RIP
    std::string memory_address = "rsp";
    int pid = 1;  // address space
    // The task whose page tables these addresses are meant by; none: the CPU's present ones.
    std::optional<int> task;
    std::string syscall_filter;
    bool floating_point = false;
    ViewSet views = kAllViews;  // on the screen: the others' models are not computed
};

enum class RunState : u8 { Paused, Running, Ended };

struct Frame {
    u64 number = 0;
    RunState state = RunState::Paused;
    std::string status;  // why it stopped, or what it is running to
    Moment moment;
    double million_instructions_per_second = 0;  // of host time, over the last second of running
    u64 seed = 0;
    std::string state_hash;  // of a paused machine, once asked for

    // What the bar on top shows.
    RegistersModel registers;
    TimelineModel timeline;
    std::string recording;  // "recording", "recording stopped", or empty: none

    ViewSet views = 0;  // whose models are there
    RingModel ring;
    DisassemblyModel disassembly;
    PageWalkModel page_walk;
    AddressSpaceModel address_space;
    TlbModel tlb;
    TasksModel tasks;
    SyscallsModel syscalls;
    DevicesModel devices;
    MemoryModel memory;
    FramebufferModel framebuffer;
    BookmarksModel bookmarks;
    std::vector<Breakpoint> breakpoints;

    // Whose page tables the addresses below were translated by: "init (pid 1)"; empty: the CPU's.
    std::string code_task, walk_task, memory_task;
    // One line each where a field's text is no good; empty: it is.
    std::string walk_error;
    std::string code_error;
    std::string memory_error;
    std::string breakpoint_error;
};

}  // namespace orrery
