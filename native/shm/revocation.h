// How a revocation becomes final, whatever the writer does.
//
// A peer executes its requests itself, so it may be stopped by the scheduler, by a signal or for ever, in the middle
// of a copy into memory whose owner takes the right away. Revoking takes three steps, each bounded:
//
//   1. The owner changes what is looked at (end, registration) and reads `busy` of the ends concerned. `busy` is even:
//      final, and that is the usual case (some 100 ns). Both sides have a full barrier between their store and their
//      load, so a packet either sees the change or is seen.
//   2. A packet is under way. It is a copy of `packetBytes` at most, so it is over within a microsecond if its process
//      runs; the owner waits for the grace period. When the peer's socket has ended, its process is past its last
//      store, and the packet is over too. So a killed writer costs nothing more.
//   3. The writer is stopped. The owner says by its generation that no packet may begin, and waits for those of others,
//      a grace period at most. Then it says that it copies, copies its memory into a fresh segment, maps that at the same
//      address and hands it to its peers under a new generation. The stopped writer goes on, whenever it does, in memory
//      that nobody reads, finds the generation changed, and has its packet judged anew.
//
// Cost of step 3, which only a stopped writer brings about: one copy of the whole segment on the owner's thread (figures
// in docs/native.md), requests of other peers wait meanwhile, and the old memory stays allocated until the stopped
// process has gone on or died. Bound of a revocation: two grace periods and that copy, counted in time during which the
// owner polls. Rejected: a lease that the writer renews (a stopped writer outlives any lease in the middle of a copy);
// an agent in the owner's process that places what peers leave in a mailbox (uses the target's CPU and dies with it).
#pragma once

#include <cstdint>
#include <vector>

#include "layout.h"

namespace aviary {

/// Waits until packets that were under way when it began are over.
class Quiescence {
 public:
  explicit Quiescence(size_t endsMax) { watches_.reserve(endsMax); }

  void begin(uint64_t nowNanos) {
    watches_.clear();
    sinceNanos_ = nowNanos;
  }
  void add(const SharedEnd& end) {
    const uint32_t busy = end.busy.load(std::memory_order_seq_cst);
    if ((busy & 1) != 0) watches_.push_back({&end, busy});
  }
  bool isOver() {
    for (size_t i = 0; i < watches_.size();) {
      if (watches_[i].end->busy.load(std::memory_order_seq_cst) == watches_[i].busy) {
        i++;
      } else {
        watches_[i] = watches_.back();
        watches_.pop_back();
      }
    }
    return watches_.empty();
  }
  bool awaits(const SharedEnd& end) const {
    for (const Watch& watch : watches_)
      if (watch.end == &end) return true;
    return false;
  }
  /// The packets are over, or go into memory that nobody reads.
  void end() { watches_.clear(); }
  /// The peer behind a page is past its last store.
  void forget(const LinkPage& page, uint32_t pairs) {
    for (size_t i = 0; i < watches_.size();) {
      bool isOfPage = false;
      for (uint32_t pair = 0; pair < pairs; pair++) isOfPage |= watches_[i].end == &page.end(pair);
      if (!isOfPage) {
        i++;
        continue;
      }
      watches_[i] = watches_.back();
      watches_.pop_back();
    }
  }
  uint64_t sinceNanos() const { return sinceNanos_; }

 private:
  struct Watch {
    const SharedEnd* end;
    uint32_t busy;
  };
  std::vector<Watch> watches_;
  uint64_t sinceNanos_ = 0;
};

}  // namespace aviary
