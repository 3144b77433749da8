// The packets by which gdb asks and sets, without the machine going on.
#include <fmt/format.h>

#include <algorithm>

#include "emulator/guestos/tasks/guest_os.h"
#include "emulator/inspect/gdb/access.h"
#include "emulator/inspect/gdb/monitor.h"
#include "emulator/inspect/gdb/registers.h"
#include "emulator/inspect/gdb/session.h"
#include "emulator/inspect/models/progress_text.h"

namespace orrery {

namespace {

constexpr const char* kFault = "E0e";  // EFAULT

std::span<const u8> bytes_of(std::string_view text) {
    return {reinterpret_cast<const u8*>(text.data()), text.size()};
}

// qOffsets: where a kernel that moves (KASLR) has its first segment, so that gdb moves its symbols there;
// empty for one that does not, or has not yet.
std::string segment_offset(const ModelContext& context) {
    if (context.kernel() == nullptr || context.kernel()->symbols.slide() == 0) return "";
    const std::optional<u64> start = context.os->image_start();
    return start ? fmt::format("TextSeg={:x}", *start) : "";
}

}  // namespace

bool GdbSession::take_thread(Arguments& arguments, unsigned& thread) const {
    thread = 0;
    if (arguments.take("-1")) return true;
    u64 number = 0;
    if (!arguments.take_number(number) || number > machine_.cpu_count()) return false;
    thread = static_cast<unsigned>(number);
    return true;
}

// H operation thread; T thread.
std::string GdbSession::answer_thread(char command, Arguments arguments) {
    unsigned thread = 0;
    const bool steps = command == 'H' && arguments.take("c");
    if (command == 'H' && !steps && !arguments.take("g")) return kInvalid;
    if (!take_thread(arguments, thread) || !arguments.done()) return kInvalid;
    if (command == 'T') return thread != 0 ? "OK" : kInvalid;
    unsigned& chosen = steps ? step_cpu_ : cpu_;
    chosen = thread != 0 ? thread - 1 : stop_.cpu;
    return "OK";
}

std::string GdbSession::answer_register(char command, Arguments arguments) {
    if (command == 'g') return arguments.done() ? gdb_read_registers(machine_, cpu_) : kInvalid;
    if (command == 'G') {
        const auto values = gdb_from_hex(arguments.rest());
        return values && gdb_write_registers(machine_, cpu_, *values) ? "OK" : kInvalid;
    }
    u64 number = 0;
    if (!arguments.take_number(number)) return kInvalid;
    if (command == 'p')
        return arguments.done() ? gdb_read_register(machine_, cpu_, number).value_or(kInvalid) : kInvalid;
    if (!arguments.take("=")) return kInvalid;
    const auto value = gdb_from_hex(arguments.rest());
    return value && gdb_write_register(machine_, cpu_, number, *value) ? "OK" : kInvalid;
}

// m address,length; M address,length:hexadecimal; X address,length:binary.
std::string GdbSession::answer_memory(char command, Arguments arguments) {
    u64 address = 0, length = 0;
    if (!arguments.take_number(address) || !arguments.take(",") || !arguments.take_number(length))
        return kInvalid;
    if (command == 'm') {
        if (!arguments.done() || length == 0) return kInvalid;
        // The answer has to fit into a packet; gdb asks again for the rest.
        const size_t size = static_cast<size_t>(std::min<u64>(length, kGdbPacketSize / 2));
        const std::vector<u8> data = gdb_read_memory(machine_, cpu_, address, size);
        return data.empty() ? kFault : gdb_hex(data);
    }
    if (!arguments.take(":")) return kInvalid;
    std::optional<std::vector<u8>> data;
    if (command == 'M') {
        data = gdb_from_hex(arguments.rest());
    } else if (const auto plain = gdb_unescape(arguments.rest())) {
        const std::span<const u8> bytes = bytes_of(*plain);
        data.emplace(bytes.begin(), bytes.end());
    }
    if (!data || data->size() != length) return kInvalid;
    return gdb_write_memory(machine_, cpu_, address, *data) ? "OK" : kFault;
}

// Z type,address,kind: the kind is a watchpoint's length.
std::string GdbSession::answer_point(bool insert, Arguments arguments) {
    u64 type = 0, address = 0, length = 0;
    if (!arguments.take_number(type) || !arguments.take(",") || !arguments.take_number(address) ||
        !arguments.take(",") || !arguments.take_number(length) || !arguments.done())
        return kInvalid;
    if (type > 4) return "";
    const char letter = static_cast<char>('0' + type);
    if (insert) return execution_.insert(letter, address, length) ? "OK" : kInvalid;
    execution_.remove(letter, address, length);
    return "OK";
}

std::string GdbSession::supported(Arguments arguments) {
    const std::string given = fmt::format(";{};", arguments.rest());
    tells_breakpoints_ =
        given.find("swbreak+") != std::string::npos && given.find("hwbreak+") != std::string::npos;
    std::string text =
        fmt::format("PacketSize={:x};QStartNoAckMode+;qXfer:features:read+;vContSupported+;swbreak+;hwbreak+",
                    kGdbPacketSize);
    if (subject_.time.has_past()) text += ";ReverseStep+;ReverseContinue+";
    return text;
}

// qXfer:features:read:annex:offset,length
std::string GdbSession::features(Arguments arguments) const {
    if (arguments.take_until(':') != "target.xml") return "E00";
    u64 offset = 0, length = 0;
    if (!arguments.take_number(offset) || !arguments.take(",") || !arguments.take_number(length) ||
        !arguments.done())
        return kInvalid;
    const std::string& all = gdb_layout(machine_.cpu(0).features, machine_.kernel_is_32_bit()).description;
    if (offset > all.size()) return kInvalid;
    const std::string_view rest = std::string_view(all).substr(static_cast<size_t>(offset));
    const std::string_view part = rest.substr(0, std::min<u64>(length, kGdbPacketSize / 2));
    return (part.size() < rest.size() ? "m" : "l") + gdb_escape(part);
}

std::string GdbSession::thread_info(Arguments arguments) const {
    unsigned thread = 0;
    if (!take_thread(arguments, thread) || thread == 0 || !arguments.done()) return kInvalid;
    const Cpu& cpu = machine_.cpu(thread - 1);
    const char* doing = cpu.activity == Activity::Running       ? "runs"
                        : cpu.activity == Activity::Halted      ? "halted"
                        : cpu.activity == Activity::WaitForSipi ? "not started"
                        : cpu.activity == Activity::MonitorWait ? "waits (MWAIT)"
                                                                : "shut down";
    return gdb_hex(fmt::format("CPU {} [ring {}, {}]", cpu.id, cpu.cpl, doing));
}

// The text goes before the answer, in packets of its own; so does what there is to say of a search meanwhile.
std::string GdbSession::answer_monitor(Arguments arguments) {
    using Clock = std::chrono::steady_clock;
    const auto command = gdb_from_hex(arguments.rest());
    if (!command) return kInvalid;
    ModelContext context = subject_.context();
    context.cpu = cpu_;
    Navigation navigation(subject_.time, *context.os);
    Clock::time_point said = Clock::now();
    navigation.watch([&](const Progress& progress) {
        if (Clock::now() - said > std::chrono::seconds(1)) {
            said = Clock::now();
            send("O" + gdb_hex("looking: " + progress_text(progress) + "\n"));
        }
        return goes_on();
    });
    busy_ = true;
    interrupted_ = false;
    const GdbMonitored done =
        gdb_monitor(navigation, context, {reinterpret_cast<const char*>(command->data()), command->size()});
    busy_ = interrupted_ = false;
    if (done.moved_to) {
        stop_ = execution_.here(GdbStop::Reason::Step);
        cpu_ = step_cpu_ = stop_.cpu = *done.moved_to;
        at_end_ = false;
    }
    constexpr size_t kPart = 1000;
    for (size_t at = 0; at < done.text.size(); at += kPart) send("O" + gdb_hex(done.text.substr(at, kPart)));
    return "OK";
}

std::string GdbSession::answer_query(Arguments arguments) {
    if (arguments.take("Supported")) return supported(arguments);
    if (arguments.take("Xfer:features:read:")) return features(arguments);
    if (arguments.take("Rcmd,")) return answer_monitor(arguments);
    if (arguments.take("ThreadExtraInfo,")) return thread_info(arguments);
    if (arguments.rest() == "C") return fmt::format("QC{:x}", stop_.cpu + 1);
    if (arguments.rest() == "Attached") return "1";
    if (arguments.rest() == "Offsets") return segment_offset(subject_.context());
    if (arguments.rest() == "Symbol::") return "OK";
    if (arguments.rest() == "sThreadInfo") return "l";
    if (arguments.rest() != "fThreadInfo") return "";
    std::string threads;
    for (unsigned i = 1; i <= machine_.cpu_count(); ++i)
        threads += fmt::format("{}{:x}", i > 1 ? "," : "m", i);
    return threads;
}

std::string GdbSession::answer_set(Arguments arguments) {
    if (arguments.rest() != "StartNoAckMode") return "";
    acknowledge_ = false;
    return "OK";
}

}  // namespace orrery
