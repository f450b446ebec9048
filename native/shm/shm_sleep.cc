// Sleep of the owner of a shm fabric: what peers have to know of it, and what it has to look at before.
//
// A peer that has touched this node's memory has moved `busy` of its end, before and after. So a value that differs from
// when the owner last rose tells of a packet since, wherever it went: bytes, a message, an end moved to ERR. Looking at
// that is what closes the gap between the last look of a turn and the announcement. It may tell of a packet that the turn
// has seen already; then the owner rises once for nothing.
#include <algorithm>

#include "shm_fabric.h"

namespace aviary {

namespace {

/// While requests or control calls are under way, which go on in turns alone.
constexpr uint64_t underWayNanos = 50'000;
/// While a peer is in the middle of a packet, as it was when the owner last rose: it has been stopped there, or is about to
/// be through and may not look once more whether the owner sleeps. Also while a peer could not be told that memory moved.
constexpr uint64_t soonNanos = 1'000'000;

}  // namespace

void ShmFabric::announceSleep() {
  for (const auto& link : links_)
    if (link != nullptr) link->own.header().isAsleep.store(1, std::memory_order_relaxed);
}

uint64_t ShmFabric::restNanos() const {
  if (hasNews()) return 0;
  if (controlsActive_ > 0 || isMoving_) return underWayNanos;
  for (const uint64_t bits : active_)
    if (bits != 0) return underWayNanos;
  uint64_t rest = isPacketUnderWay() ? soonNanos : UINT64_MAX;
  for (const bool isUntold : isUntold_)
    if (isUntold) rest = std::min(rest, soonNanos);
  const uint64_t next = rendezvous_->nextLookNanos();
  if (next == UINT64_MAX) return rest;
  const uint64_t now = monotonicNanos();
  return next <= now ? 1 : std::min(rest, next - now);
}

bool ShmFabric::hasNews() const {
  for (const auto& link : links_) {
    if (link == nullptr) continue;
    for (uint32_t pair = 0; pair < geometry_.pairs; pair++) {
      const SharedEnd& end = link->own.end(pair);
      const uint32_t name = link->peer * geometry_.pairs + pair;
      if (end.busy.load(std::memory_order_acquire) != seenBusy_[name]) return true;
      if (end.received.load(std::memory_order_acquire) != end.taken.load(std::memory_order_relaxed)) return true;
      if (queuePairs_[name]->hasEnded()) return true;
    }
  }
  return false;
}

bool ShmFabric::isPacketUnderWay() const {
  for (const auto& link : links_)
    for (uint32_t pair = 0; link != nullptr && link->isConnected && pair < geometry_.pairs; pair++)
      if ((link->own.end(pair).busy.load(std::memory_order_acquire) & 1) != 0) return true;
  return false;
}

void ShmFabric::endSleep(bool hasSlept) {
  for (const auto& link : links_) {
    if (link == nullptr) continue;
    link->own.header().isAsleep.store(0, std::memory_order_relaxed);
    for (uint32_t pair = 0; pair < geometry_.pairs; pair++)
      seenBusy_[link->peer * geometry_.pairs + pair] = link->own.end(pair).busy.load(std::memory_order_acquire);
  }
  // What a socket has woken it for is for the next turn to find.
  isTickForced_ |= hasSlept;
}

}  // namespace aviary
