#include "emulator/time-travel/record/verifier.h"

#include "emulator/time-travel/timeline/player.h"

namespace orrery {

namespace {

// Compares a link where the machine comes to its instruction count.
class LinkWatch : public Companion {
  public:
    LinkWatch(Machine& machine, const Recording& recording, std::vector<ChainLink> links)
        : machine_(machine), recording_(recording), links_(std::move(links)) {
        machine_.add_companion(this);
    }
    ~LinkWatch() override { machine_.remove_companion(this); }
    LinkWatch(const LinkWatch&) = delete;
    LinkWatch& operator=(const LinkWatch&) = delete;

    // To the instruction count, then, for the link at the end of a run, on in time.
    Waypoint next() const override {
        if (at_ >= links_.size() || result.difference) return {};
        const Moment& moment = links_[at_].moment;
        if (machine_.moment().instructions < moment.instructions) return {moment.instructions, ~u64{0}};
        return {~u64{0}, moment.ticks};
    }

    void reached() override {
        while (at_ < links_.size() && !result.difference && links_[at_].moment <= machine_.moment())
            compare();
    }

    // The machine will not come further: what is left cannot be equal.
    void finish() {
        reached();
        if (at_ < links_.size() && !result.difference) differ({"moment"});
    }

    Verification result;

  private:
    void differ(std::vector<std::string> components) {
        const Moment equal = at_ == 0 ? links_[0].moment : links_[at_ - 1].moment;
        result.difference = {equal, links_[at_].moment, machine_.moment(), machine_.cpu().id,
                             std::move(components)};
        machine_.request_stop();
    }

    void compare() {
        const ChainLink& link = links_[at_];
        std::vector<std::string> components;
        if (link.moment != machine_.moment()) components.emplace_back("moment");
        const std::vector<ComponentHash> hashes = machine_.component_hashes();
        std::vector<u64> digests;
        for (size_t i = 0; i < hashes.size(); ++i) {
            digests.push_back(hashes[i].digest);
            if (i >= link.components.size() || link.components[i] != static_cast<u32>(hashes[i].digest) ||
                recording_.components[i] != hashes[i].name)
                components.push_back(hashes[i].name);
        }
        const u64 digest = chain_digest(digest_, machine_.moment(), digests);
        // Halves of hashes may be equal where the whole ones are not.
        if (components.empty() && digest != link.digest) components.emplace_back("chain");
        if (!components.empty()) return differ(std::move(components));
        digest_ = digest;
        ++at_;
        result.links = at_;
    }

    Machine& machine_;
    const Recording& recording_;
    std::vector<ChainLink> links_;
    size_t at_ = 0;
    u64 digest_ = 0;
};

}  // namespace

Verification verify(ReplayMachine& replay, unsigned run) {
    Machine& machine = replay.machine();
    const std::vector<LoggedInput> inputs = replay.recording().inputs_of(run);
    // Before the player: a link is made before an input that enters at its moment.
    LinkWatch watch(machine, replay.recording(), replay.recording().links_of(run));
    Player player(machine, inputs);
    watch.reached();
    if (watch.result.equal()) run_to_moment(machine, end_of(replay.recording(), run));
    watch.finish();
    watch.result.reached = machine.moment();
    return watch.result;
}

}  // namespace orrery
