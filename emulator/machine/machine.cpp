#include "emulator/machine/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "devices/pc_board.h"
#include "emulator/core/cpu/run/stretch.h"
#include "emulator/core/cpu/state/register_file.h"
#include "emulator/core/timing/cost_model.h"
#include "emulator/machine/boot/firmware.h"
#include "emulator/machine/boot/fw_cfg_items.h"
#include "emulator/machine/boot/loader.h"
#include "emulator/machine/component_hasher.h"
#include "emulator/machine/image_files.h"

namespace orrery {

// The local APIC's wires into a CPU.
class Machine::CpuSignals : public CpuPort {
  public:
    CpuSignals(Machine& machine, Cpu& cpu) : machine_(machine), cpu_(cpu) {}
    void set_intr(bool asserted) override {
        cpu_.intr = asserted;
        if (asserted) signalled();
    }
    void raise_nmi() override {
        cpu_.nmi_pending = true;
        signalled();
    }
    void raise_init() override {
        cpu_.init_pending = true;
        signalled();
    }
    void raise_startup(u8 vector) override {
        // An INIT that came before has been taken by the time the CPU runs again.
        if (cpu_.activity != Activity::WaitForSipi && !cpu_.init_pending) return;
        cpu_.sipi_pending = true;
        cpu_.sipi_vector = vector;
        signalled();
    }

  private:
    void signalled() {
        cpu_.request_exit();
        Cpu& running = machine_.cpu();
        if (&running == &cpu_ || cpu_.waits()) return;
        machine_.interleaver_.wake(running.instructions());
        running.request_exit();
    }

    Machine& machine_;
    Cpu& cpu_;
};

namespace {

std::unique_ptr<CoreModel> core_of(ClockMode clock) {
    if (clock == ClockMode::InstructionCount) return std::make_unique<InstructionCountModel>();
    return std::make_unique<TableCostModel>();
}

const MachineConfig& checked(const MachineConfig& config) {
    check(config);
    return config;
}

}  // namespace

Machine::Machine(const MachineConfig& config, const MakeCore& make_core)
    : config_(checked(config)), interleaver_(config.cpus, config.seed), bus_(config.ram_size) {
    PcConfig board;
    board.cpus = config.cpus;
    board.seed = config.seed;
    board.rtc_base = config.rtc_base;
    board.serial[0] = config.serial_output;
    board.virtio_console = config.console_output;
    board.network = config.network;
    board.display = config.display;
    for (const DiskConfig& disk : config.disks)
        board.disks.push_back(std::make_shared<Disk>(disk.path, disk.mode));
    board.test_devices = config.test_devices;
    board.on_power_off = [this] { end(StopReason::PowerOff); };
    board.on_reset = [this] { end(StopReason::Reset); };
    board.on_debug_exit = [this](u32 status) {
        exit_code_ = status;
        end(StopReason::DebugExit);
    };
    board.on_ignne = [this] { cpus_[0]->ignne = true; };
    board_ = std::make_unique<PcBoard>(bus_, events_, board);
    for (unsigned i = 0; i < config.cpus; ++i) {
        CpuEnvironment environment;
        environment.bus = &bus_;
        environment.events = &events_;
        environment.apic = &board_->local_interrupts(i);
        environment.observers = &observers_;
        cores_.push_back(make_core ? make_core(i) : core_of(config.clock));
        environment.core = cores_.back().get();
        environment.code = &code_;
        environment.interleaver = &interleaver_;
        environment.cpu_count = config.cpus;
        cpus_.push_back(std::make_unique<Cpu>(i, environment, config.features));
        signals_.push_back(std::make_unique<CpuSignals>(*this, *cpus_.back()));
        board_->connect_cpu(i, *signals_.back());
    }
    // FERR# of the bootstrap processor alone is wired, as on a PC.
    cpus_[0]->env.ferr = [](void* wired) { static_cast<PcBoard*>(wired)->fpu_error().raise(); };
    cpus_[0]->env.ferr_context = board_.get();
    bus_.on_ram_write([this](u64 physical, u64 size) {
        if (code_.invalidate(physical, size))
            for (auto& cpu : cpus_) cpu->request_exit();
    });
    bus_.on_ram_written([this](u64 physical, u64 size) {
        if (observers_.points().any_data()) tell_of_bus_write(&cpu(), physical, size);
    });
    observers_.points().on_change([this] {
        for (auto& cpu : cpus_) {
            cpu->flush_fast();
            cpu->request_exit();
        }
    });
    bus_.on_video_moved([this](u64 physical, u64 size) {
        for (u64 page = physical; page < physical + size; page += kPageSize)
            code_.invalidate(page, kPageSize);
        for (auto& cpu : cpus_) cpu->flush_fast();
    });
    code_.on_page_code([this](u64 physical_page) {
        if (const u8* host = bus_.ram_at(physical_page))
            for (auto& cpu : cpus_) cpu->forbid_fast_writes(host);
    });
    code_.set_leave_handler(leave_block);
    bus_.on_notes_taken([this] {
        for (auto& cpu : cpus_) cpu->forbid_all_fast_writes();
    });
    events_.on_earlier_deadline([this] {
        for (auto& cpu : cpus_) cpu->request_exit();
    });
    observers_.on_change([this] {
        for (auto& cpu : cpus_) cpu->request_exit();
    });
    board_->reset();
}

Machine::~Machine() = default;

namespace {

// As firmware leaves IA32_MTRR_DEF_TYPE on every CPU: ranges enabled, memory write-back.
constexpr u64 kMtrrWriteBack = 0x806;

void enter(Cpu& cpu, const EntryState& entry) {
    std::copy(entry.gpr.begin(), entry.gpr.end(), cpu.gpr);
    cpu.rip() = entry.rip;
    auto to_segment = [](const EntryState::Segment& from) {
        Segment segment;
        segment.selector = from.selector;
        segment.base = from.base;
        segment.limit = from.limit;
        segment.access = from.access;
        return segment;
    };
    for (unsigned i = 0; i < 6; ++i) cpu.seg[i] = to_segment(entry.segments[i]);
    cpu.ldtr = to_segment(entry.ldtr);
    cpu.tr = to_segment(entry.tr);
    cpu.gdtr = {entry.gdtr.base, entry.gdtr.limit};
    cpu.idtr = {entry.idtr.base, entry.idtr.limit};
    cpu.cr0 = entry.cr0;
    cpu.cr3 = entry.cr3;
    cpu.cr4 = entry.cr4;
    cpu.msr.efer = entry.efer;
    cpu.cpl = 0;
    cpu.set_rflags(static_cast<u32>(entry.rflags));
    cpu.update_mode();
}

}  // namespace

void Machine::load(const BootImages& images) {
    load(read_images(images));
}

void Machine::load(GuestFiles files) {
    files_ = std::make_unique<GuestFiles>(std::move(files));
    board_->power_on();
    boot();
}

void Machine::restart() {
    if (!files_) throw std::invalid_argument("there is nothing to boot again");
    board_->reset();
    boot();
}

void Machine::boot() {
    ended_.reset();
    stop_requested_ = false;  // by the end that is none now: a restart that is played does not stop the run
    exit_code_ = 0;
    bus_.clear_ram();
    code_.clear();
    for (auto& cpu : cpus_) {
        if (cpu != cpus_[interleaver_.current()]) cpu->take_turn(this->cpu(), 1);
        cpu->reset();
        cpu->msr.mtrr_def_type = kMtrrWriteBack;
    }
    interleaver_.reset(config_.seed);
    board_->select_cpu(0);
    const u64 rsdp = set_up_firmware(bus_, *board_);
    enter(*cpus_[0], load_guest(bus_, *files_, rsdp));
    if (FwCfg* fw_cfg = board_->fw_cfg()) describe_guest(*fw_cfg, bus_, *files_);
}

void Machine::end(StopReason reason) {
    if (!ended_) ended_ = reason;
    request_stop();
}

Moment Machine::moment() const {
    return cpu().moment();
}

bool Machine::halted() const {
    return std::all_of(cpus_.begin(), cpus_.end(), [](const auto& cpu) { return cpu->waits(); });
}

void Machine::request_stop() {
    stop_requested_ = true;
    for (auto& cpu : cpus_) cpu->request_exit();
}

// The turn ends before the CPU whose turn it is takes another step.
bool Machine::turn_is_over() const {
    return cpu().instructions() >= interleaver_.end() || (cpu_count() > 1 && cpu().waits());
}

bool Machine::another_can_run() const {
    return std::any_of(cpus_.begin(), cpus_.end(),
                       [this](const auto& other) { return other.get() != &cpu() && !other->waits(); });
}

void Machine::next_turn() {
    u32 ready = 0;
    for (const auto& cpu : cpus_)
        if (!cpu->waits()) ready |= u32{1} << cpu->id;
    if (ready == 0) return;
    Cpu& last = cpu();
    interleaver_.begin(last.instructions(), ready);
    cpu().take_turn(last, interleaver_.sharing());
    board_->select_cpu(cpu().id);
}

bool Machine::run_due_events() {
    events_.set_now(cpu().ticks());
    if (ended_ || events_.next_deadline() > events_.now()) return false;
    events_.run_due();
    return true;
}

void Machine::find_waypoint() {
    waypoint_ = {};
    for (const Companion* companion : companions_) {
        const Companion::Waypoint next = companion->next();
        waypoint_.instructions = std::min(waypoint_.instructions, next.instructions);
        waypoint_.ticks = std::min(waypoint_.ticks, next.ticks);
    }
}

bool Machine::call_companions() {
    if (cpu().instructions() < waypoint_.instructions && cpu().ticks() < waypoint_.ticks) return false;
    for (size_t i = 0; i < companions_.size(); ++i) {
        const Companion::Waypoint next = companions_[i]->next();
        if (cpu().instructions() >= next.instructions || cpu().ticks() >= next.ticks)
            companions_[i]->reached();
    }
    find_waypoint();
    return true;
}

StopReason Machine::run(const RunLimits& limits) {
    stop_requested_ = false;
    board_->select_cpu(interleaver_.current());
    for (Companion* companion : companions_) companion->run_begins();
    find_waypoint();
    const StopReason reason = run_on(limits);
    for (Companion* companion : companions_) companion->run_ends();
    return reason;
}

// How many timers may fire while all CPUs sleep, in a run without a limit in time, before that is no sleep to wake from.
static constexpr u64 kMostWaits = u64{1} << 20;

u64 Machine::barren_deliveries() const {
    u64 sum = 0;
    for (const auto& cpu : cpus_) sum += cpu->barren_deliveries;
    return sum;
}

StopReason Machine::run_on(const RunLimits& limits) {
    const u64 now = cpu().instructions(), barren = barren_deliveries();
    const u64 allowed = limits.instructions - std::min(now, limits.instructions);
    u64 waits = 0, waited_at = now;  // moments waited for in a row, no instruction between
    for (;;) {
        if (run_due_events() || call_companions()) continue;
        Cpu& cpu = this->cpu();
        if (ended_) return *ended_;
        if (stop_requested_) return StopReason::Requested;
        if (cpu.instructions() >= limits.instructions) return StopReason::Budget;
        if (barren_deliveries() - barren > std::max(allowed, allowed + RunLimits::kBarrenSlack))
            return StopReason::Budget;
        if (cpu.ticks() >= limits.ticks) return halted() ? StopReason::Idle : StopReason::Budget;
        // A write, by a CPU or a device, may have ended another CPU's MWAIT.
        if (interleaver_.end() == Interleaver::kNoEnd && another_can_run())
            interleaver_.wake(cpu.instructions());
        const Ticks deadline = std::min({events_.next_deadline(), limits.ticks, waypoint_.ticks});
        if (cpu.activity == Activity::Shutdown) {
            ended_ = StopReason::Shutdown;
        } else if (turn_is_over() && !halted()) {
            next_turn();
        } else if (cpu.waits()) {
            if (cpu.instructions() != waited_at) waits = 0;
            waited_at = cpu.instructions();
            if (deadline == kNever || (limits.ticks == kNever && ++waits > kMostWaits))
                return StopReason::Idle;
            interleaver_.yield(cpu.instructions());  // whoever is woken first begins anew
            cpu.wait_until(deadline);
        } else {
            cpu.run(std::min({limits.instructions, waypoint_.instructions, interleaver_.end()}), deadline);
        }
    }
}

bool Machine::step() {
    if (ended_) return false;
    RunLimits limits;
    limits.instructions = moment().instructions + 1;
    const StopReason reason = run(limits);
    return reason == StopReason::Budget || reason == StopReason::Requested;
}

void Machine::add_companion(Companion* companion) {
    companions_.push_back(companion);
    find_waypoint();
}

void Machine::remove_companion(Companion* companion) {
    std::erase(companions_, companion);
    find_waypoint();
}

void Machine::input(const std::string& device, std::vector<u8> data) {
    find_waypoint();
    while (run_due_events() || call_companions()) {
    }
    const LoggedInput entered{moment(), static_cast<u8>(cpu().id), device, std::move(data)};
    apply(entered);
    for (const auto& [number, hook] : input_hooks_) hook(entered);
    find_waypoint();
}

unsigned Machine::on_input(InputHook hook) {
    input_hooks_.emplace_back(next_hook_, std::move(hook));
    return next_hook_++;
}

void Machine::remove_input_hook(unsigned number) {
    std::erase_if(input_hooks_, [number](const auto& hook) { return hook.first == number; });
}

void Machine::play(const LoggedInput& input) {
    apply(input);
}

void Machine::apply(const LoggedInput& input) {
    events_.set_now(cpu().ticks());
    if (input.device == kRestartInput) {
        restart();
    } else if (input.device == kMemoryInput) {
        u64 physical = 0;
        if (input.data.size() <= sizeof physical) throw std::invalid_argument("a write of nothing");
        std::memcpy(&physical, input.data.data(), sizeof physical);
        if (!bus_.dma_write(physical, input.data.data() + sizeof physical,
                            input.data.size() - sizeof physical))
            throw std::invalid_argument("no memory there");
    } else if (input.device == kRegisterInput) {
        if (input.data.size() < 3 || input.data[0] >= cpu_count() ||
            !write_register(*cpus_[input.data[0]], static_cast<RegisterId>(input.data[1]),
                            std::span(input.data).subspan(2)))
            throw std::invalid_argument("no such register, or not a value for it");
    } else {
        Device* receiver = board_->find(input.device);
        if (receiver == nullptr) throw std::invalid_argument("no device named " + input.device);
        receiver->input(input.data);
    }
}

bool Machine::kernel_is_32_bit() const {
    // ELF's magic and EI_CLASS (ELF specification, "ELF Identification").
    return files_ && files_->kernel.has(0, 5) && files_->kernel.u32_at(0) == 0x464c'457f &&
           files_->kernel.bytes[4] == 1;
}

WalkResult Machine::translate(unsigned index, u64 linear, std::optional<u64> cr3) {
    PagingContext context = cpus_[index]->paging();
    if (cr3) context.cr3 = *cr3;
    const unsigned levels = context.levels();
    if (levels >= 4 ? !is_sign_extended(linear, linear_width(levels)) : linear >> 32 != 0) {
        WalkResult none;
        none.why_not.rule = Refusal::NotCanonical;
        return none;
    }
    // A supervisor's read: the debugger looks at what is mapped, not at who may.
    context.cr4 &= ~(cr4::kSmap | cr4::kSmep | cr4::kPke);
    return walk(bus_, context, linear, AccessKind::Read, false, true, WalkMode::Peek);
}

size_t Machine::peek(unsigned index, u64 linear, void* to, size_t size, std::optional<u64> cr3) {
    u8* out = static_cast<u8*>(to);
    size_t done = 0;
    while (done < size) {
        const u64 at = linear + done;
        const WalkResult found = translate(index, at, cr3);
        if (!found.ok) break;
        const u8* host = bus_.ram_at(found.physical);
        if (host == nullptr) break;
        const size_t count = std::min<size_t>(size - done, kPageSize - (at & (kPageSize - 1)));
        std::copy_n(host, count, out + done);
        done += count;
    }
    return done;
}

std::vector<ComponentHash> Machine::component_hashes() {
    ComponentHasher hasher;
    visit(hasher);
    return hasher.take();
}

u64 Machine::state_hash() {
    HashArchive all;
    for (ComponentHash& component : component_hashes()) all.field("digest", component.digest);
    return all.digest();
}

std::vector<u8> Machine::save_snapshot() {
    SaveArchive archive;
    visit(archive);
    return archive.take();
}

void Machine::load_snapshot(std::vector<u8> data) {
    LoadArchive archive(std::move(data));
    visit(archive);
    if (!archive.at_end()) throw ArchiveError("snapshot: there is more in it than this machine has");
    loaded(nullptr);
}

void Machine::loaded(const std::vector<u64>* ram_changed) {
    if (ram_changed == nullptr) {
        code_.clear();
    } else {
        for (const u64 page : *ram_changed)
            code_.invalidate(bus_.physical_of(bus_.ram_memory().data() + page * kPageSize), kPageSize);
    }
    for (auto& cpu : cpus_) {
        cpu->pending_link = nullptr;
        cpu->flush_fast();
        cpu->update_mode();
    }
}

// A snapshot is of one configuration.
void Machine::visit_config(Archive& archive) const {
    constexpr size_t kLongest = 4096;
    archive.begin("config");
    for (const DescribedField& field : described(config_)) {
        const std::string here = field.text();
        std::string made = here;
        archive.field(field.field.name, made, kLongest);
        if (made != here)
            throw ArchiveError(fmt::format("snapshot: made with another {}: {} {}, and here it is {}",
                                           field.field.name, field.field.option, made, here));
    }
    archive.end();
}

void Machine::visit(Archive& archive) {
    archive.begin("machine");
    visit_config(archive);
    u8 end_reason = ended_ ? static_cast<u8>(*ended_) + 1 : 0;
    archive.field("ended", end_reason);
    archive.field("exit_code", exit_code_);
    if (archive.loading()) {
        ended_.reset();
        if (end_reason != 0) ended_ = static_cast<StopReason>(end_reason - 1);
    }
    // The clock of the event queue is the CPU's at the moment, whoever looked at it last.
    archive.field("interleaver", interleaver_);
    events_.set_now(cpu().ticks());
    for (auto& cpu : cpus_) archive.field("cpu", *cpu);
    archive.field("events", events_);
    archive.begin("board");
    board_->visit(archive);
    archive.end();
    archive.field("bus", bus_);
    archive.end();
}

}  // namespace orrery
