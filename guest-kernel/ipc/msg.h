// A System V message queue (msgget(2)).
#pragma once

#include "core/list.h"
#include "ipc/ipc.h"
#include "sync/wait_queue.h"

struct Message {
    ListNode node;
    i64 type = 0;
    KString text;
};

struct MsgQueue : IpcObject {
    ~MsgQueue() override;

    List<Message, &Message::node> messages;
    WaitQueue changed;  ///< a message came, went, or the queue was removed
    u64 bytes = 0, count = 0, max_bytes = 0;
    i64 stime = 0, rtime = 0;
    pid_t last_sender = 0, last_receiver = 0;
};
