#include "ui/console_feed.h"

#include <algorithm>

namespace orrery {

namespace {

constexpr size_t kScreenBytes = size_t{1} << 20;  // as much of the console makes its screen anew

}  // namespace

const std::string& ConsoleFeed::text() const {
    const std::string_view text = tape_.text();
    if (stale_ || text_.size() > text.size()) text_.clear();
    stale_ = false;
    text_.append(text.substr(text_.size()));
    return text_;
}

std::vector<ConsoleChunk> ConsoleFeed::take(bool in_past) {
    const std::string_view text = tape_.text();
    std::vector<ConsoleChunk> chunks;
    const bool from_start = from_start_ || text.size() < taken_;
    if (from_start) taken_ = text.size() > kScreenBytes ? text.size() - kScreenBytes : 0;
    from_start_ = false;
    if (in_past) answered_ = std::max(answered_, text.size());
    const size_t known = std::min(std::max(answered_, taken_), text.size());
    if (from_start || known > taken_)
        chunks.push_back({std::string(text.substr(taken_, known - taken_)), from_start, true});
    if (text.size() > known) chunks.push_back({std::string(text.substr(known)), false, false});
    taken_ = text.size();
    answered_ = std::max(answered_, text.size());
    return chunks;
}

void ConsoleFeed::branched() {
    if (taken_ > tape_.position()) from_start_ = true;
    answered_ = tape_.position();
    stale_ = true;
}

}  // namespace orrery
