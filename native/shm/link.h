// What one node knows of one peer: the page that it shares with it, the peer's page, and the peer's memory.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "layout.h"
#include "../memory/mapping.h"

namespace aviary {

/// The peer's side of a link, as long as the peer is there.
struct PeerMemory {
  Mapping page;
  Mapping segment;
  /// Of which generation the mapped segment is.
  uint32_t generation = 0;
  uint32_t regionCount = 0;
  Region regions[regionsMax] = {};
};

class Link {
 public:
  Link(uint32_t peer, const Geometry& geometry) : peer(peer), geometry_(geometry) { renewOwnPage(); }
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  const uint32_t peer;
  /// Own ends, for the peer to look at. Valid all the time, connected or not.
  LinkPage own;
  UniqueFd ownPageFd;
  /// The peer's ends; absent while it is not connected.
  LinkPage remote;
  PeerMemory memory;
  /// What the peer's memory is addressed by; of a link to oneself it is the own segment.
  std::byte* remoteBase = nullptr;
  bool isConnected = false;

  /// A fresh page with the ends as they are: nobody who knew the old one can reach it.
  void renewOwnPage();
  void connectTo(PeerMemory&& found);
  /// Both sides are this node.
  void connectToSelf(std::byte* segment, std::span<const Region> regions);
  void disconnect();

  /// Whether the peer sleeps and is to be woken by the caller: asked when it can find what there is for it.
  bool takeSleepOfPeer() {
    auto& isAsleep = remote.header().isAsleep;
    return isAsleep.load(std::memory_order_seq_cst) != 0 && isAsleep.exchange(0, std::memory_order_seq_cst) != 0;
  }

  uint32_t receiveDepth() const { return geometry_.receiveDepth; }
  EndWord ownEnd(uint32_t pair) const {
    return EndWord::unpack(own.end(pair).word.load(std::memory_order_acquire));
  }
  /// Changes an own end; the peer may move it to ERR at the same time.
  template <typename Change>
  void changeOwnEnd(uint32_t pair, Change change) {
    auto& word = own.end(pair).word;
    uint64_t old = word.load(std::memory_order_relaxed);
    EndWord next{};
    do {
      next = EndWord::unpack(old);
      change(next);
    } while (!word.compare_exchange_weak(old, next.pack(), std::memory_order_seq_cst));
  }

 private:
  Geometry geometry_;
  Mapping ownPage_;
};

/// Moves an end to ERR, unless it has been reset since it was looked at.
inline void failEnd(std::atomic<uint64_t>& word, const EndWord& seen) {
  uint64_t old = word.load(std::memory_order_relaxed);
  for (;;) {
    EndWord next = EndWord::unpack(old);
    if (next.session != seen.session || next.connection != seen.connection || next.state == EndState::reset ||
        next.state == EndState::error)
      return;
    next.state = EndState::error;
    if (word.compare_exchange_weak(old, next.pack(), std::memory_order_seq_cst)) return;
  }
}

}  // namespace aviary
