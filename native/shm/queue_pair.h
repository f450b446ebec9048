// The requesting end of one queue pair: its send queue, and what becomes of each request.
//
// The requester executes its requests itself on the peer's memory, in order, packet by packet: for each packet it
// announces itself in `busy`, looks at the peer's end, rights, key and generation, copies, and takes the announcement
// back. There is a full barrier on both sides of the copy, so
//   - a revoker that has changed what is looked at and then finds `busy` even knows that no later packet passes;
//   - a packet whose requester then finds, still announced, that the memory has not begun to move is in the memory that
//     the owner reads.
// A packet for which that is not so is executed again on the moved memory (a WRITE or READ), or its request fails as
// "maybe applied" (an atomic, which must not be executed twice).
//
// Silence (the peer is not there, its end does not serve or has another connection number, the link loses packets) is
// waited out for the retry time; then the request fails with retryExceeded, those behind it as flushed, and the end is
// in ERR. A request that has failed may have been applied, in part or whole.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "../fabric/fabric.h"
#include "../memory/clock.h"
#include "link.h"

namespace aviary {

struct QueuePairOptions {
  uint32_t depth;
  uint32_t inlineBytes;
  uint32_t packetBytes;
  uint64_t retryNanos;
  bool receiverRetriesFinite;
};

class QueuePair {
 public:
  QueuePair(Link& link, uint32_t pair, uint32_t name, const QueuePairOptions& options, std::byte* ownMemory,
            std::byte* inlineArena);

  EndWord end() const { return link_.ownEnd(pair_); }
  Misuse post(const Request& request);
  /// Executes what can be executed, and gives up what has waited for too long.
  void advance();
  /// Hands out completions in order, as far as there is room.
  void deliver(CompletionSink& sink);
  /// Whether there is anything to advance or to deliver.
  bool isIdle() const { return silent_ == tail_; }
  /// Whether there is something to deliver, perhaps.
  bool hasEnded() const { return silent_ != acknowledged_; }
  /// Whether the peer may find something new since the last time: bytes, a message, its end in ERR.
  bool takeHasChangedPeer() { return std::exchange(hasChangedPeer_, false); }

  /// RESET: queued requests and completions not yet delivered vanish.
  void drop();
  /// ERR: everything that is not yet acknowledged completes as flushed.
  void flush();
  void impair(bool losesRequests, bool losesAnswers);
  Link& link() const { return link_; }
  uint32_t pair() const { return pair_; }

 private:
  enum class Phase : uint8_t { posted, executed, failed };
  enum class Verdict { done, silent, waiting, noBuffer, refused, ambiguous };

  struct Slot {
    Request request;
    Phase phase;
    Status status;
    /// Bytes done of a request that travels in several packets.
    uint32_t done;
    /// What an atomic has read.
    uint64_t answer;
  };

  Slot& slot(uint32_t ordinal) { return slots_[ordinal & mask_]; }
  Verdict execute(Slot& slot);
  Verdict executePacket(Slot& slot, SharedEnd& peerEnd);
  Verdict executeNotice(Slot& slot, SharedEnd& peerEnd);
  Verdict arrive(Slot& slot, SharedEnd& peerEnd, const EndWord& seen);
  bool hasStayed() const;
  bool hasBuffer(const SharedEnd& peerEnd) const;
  Verdict look(const Slot& slot, const EndWord& seen, std::byte*& target);
  void land(Slot& slot);
  void acknowledge();
  void fail(uint32_t ordinal, Status status);
  void waitFor(Status status, bool isForever);

  Link& link_;
  const uint32_t pair_;
  const uint32_t name_;
  const QueuePairOptions options_;
  std::byte* const ownMemory_;
  std::byte* const inlineArena_;
  std::vector<Slot> slots_;
  const uint32_t mask_;
  /// Ordinals of requests: oldest that is kept, first that is not acknowledged or failed, first not executed, next.
  uint32_t head_ = 0;
  uint32_t acknowledged_ = 0;
  uint32_t next_ = 0;
  uint32_t tail_ = 0;
  /// Up to here requests have ended without anything to deliver.
  uint32_t silent_ = 0;
  uint32_t busy_ = 0;
  uint64_t deadlineNanos_ = 0;
  Status refusal_ = Status::ok;
  bool losesRequests_ = false;
  bool losesAnswers_ = false;
  bool hasChangedPeer_ = false;
};

}  // namespace aviary
