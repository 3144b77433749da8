// The window "Bookmarks": moments with notes.
#pragma once

#include <string>
#include <vector>

#include "emulator/core/observe/events.h"
#include "emulator/inspect/models/context.h"

namespace orrery {

struct BookmarkRow {
    size_t index = 0;  // counts from 0
    unsigned run = 0;
    Moment moment;
    std::string note;
    bool on_path = false;  // the present run comes by there
};

struct BookmarksModel {
    std::vector<BookmarkRow> rows;  // in the order in which they were made
    std::string problem;
};

BookmarksModel bookmarks_model(const ModelContext& context);
std::string to_text(const BookmarksModel& model);
Json to_json(const BookmarksModel& model);

}  // namespace orrery
