// Bookmarks as rows.
#include "emulator/inspect/models/bookmarks.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "emulator/time-travel/timeline/time_machine.h"

namespace orrery {
namespace {

// Whether a run comes by a moment of another (or of itself).
bool comes_by(const TimeMachine& time, unsigned run, const Bookmark& bookmark) {
    while (run != bookmark.run) {
        if (run == 0 || bookmark.moment > time.runs()[run].fork) return false;
        run = time.runs()[run].parent;
    }
    return true;
}

}  // namespace

BookmarksModel bookmarks_model(const ModelContext& context) {
    BookmarksModel model;
    if (context.time == nullptr) {
        model.problem = "this machine's past is not kept";
        return model;
    }
    for (const Bookmark& bookmark : context.time->bookmarks())
        model.rows.push_back({model.rows.size(), bookmark.run, bookmark.moment, bookmark.note,
                              comes_by(*context.time, context.time->run(), bookmark)});
    return model;
}

std::string to_text(const BookmarksModel& model) {
    if (!model.problem.empty()) return model.problem + "\n";
    if (model.rows.empty()) return "no bookmarks\n";
    std::vector<std::vector<std::string>> rows;
    for (const BookmarkRow& row : model.rows)
        rows.push_back({fmt::format("{}", row.index + 1), fmt::format("{}", row.run),
                        grouped(row.moment.instructions), grouped(row.moment.ticks), row.note});
    return table_text({"bookmark", "run", "instruction", "cycle", "note"}, rows,
                      {true, true, true, true, false});
}

Json to_json(const BookmarksModel& model) {
    Json json;
    json["bookmarks"] = Json::array();
    for (const BookmarkRow& row : model.rows)
        json["bookmarks"].push_back({{"run", row.run},
                                     {"instructions", row.moment.instructions},
                                     {"ticks", row.moment.ticks},
                                     {"note", row.note},
                                     {"on_path", row.on_path}});
    if (!model.problem.empty()) json["problem"] = model.problem;
    return json;
}

}  // namespace orrery
