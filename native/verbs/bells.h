// How a sleeping node hears of what peers have written. A WRITE makes no event at its target, so a node that is about to
// sleep writes so into a cell at each peer, over a queue pair of its own; a peer that has written something looks at its
// cell, and rings: a WRITE with immediate, which makes one.
//
// What is promised. The bell goes another way than what it tells of and may overtake it, and an announcement may cross with
// a WRITE; so whoever has written rings for two announcements, the sleeper looks once more when its announcement has
// arrived (for a peer may have written, and gone to sleep, just before), and every few milliseconds all the same. Each announcement is rung for once at most, so who never sleeps, or sleeps on, costs nothing. A queue pair that
// has broken (a peer was away for longer than the retry time) is connected anew, under a number that both ends make of what
// each has told the other.
#pragma once

#include "address.h"
#include "end.h"

namespace aviary {

class Bells {
 public:
  /// Completions of bells name an end from here on.
  static constexpr uint32_t firstEnd = 1024;

  Bells(const Endpoint& endpoint, const VerbsOptions& options);

  /// Fills what the peer has to know.
  void describe(uint32_t peer, AddressHeader& header) const;
  void meet(uint32_t peer, const AddressHeader& header);
  /// Something was written that the peer may sleep for.
  void owe(uint32_t peer) {
    if (bells_[peer].isUp) bells_[peer].owed = 2, owing_ |= 1u << peer;
  }
  /// Rings for those that sleep and are owed.
  void ring();
  /// Peers are to ring from here on.
  void announce();
  void take(const ibv_wc& completion);
  /// Connects anew what has broken; true when peers must be told.
  bool mend(uint32_t peer, uint64_t nowNanos);
  /// Whether everybody that is known can ring.
  bool areUp() const { return downs_ == 0; }
  uint32_t rings() const { return rings_; }

 private:
  struct Bell {
    QueuePairObject pair;
    AddressHeader peer{};
    bool isKnown = false;
    bool isUp = false;
    uint32_t owed = 0;
    /// How often this end was connected anew.
    uint32_t epoch = 0;
    uint32_t life = 0;
    uint64_t brokenNanos = 0;
    /// The announcement that was rung for, of the peer's; and whether the own one was.
    uint64_t rungFor = 0;
    bool isAnnounced = false;
    uint32_t posted = 0;
    uint32_t completed = 0;
  };

  void connect(uint32_t peer);
  bool post(uint32_t peer, ibv_send_wr& work);
  void postReceive(uint32_t peer);

  const Endpoint& endpoint_;
  const VerbsOptions& options_;
  std::shared_ptr<Mapping> cells_;
  MemoryRegion region_;
  Bell bells_[nodesMax];
  uint32_t owing_ = 0;
  uint32_t downs_ = 0;
  /// Of the own announcements; begins where no former life has been.
  uint64_t announcement_;
  uint32_t rings_ = 0;
};

}  // namespace aviary
