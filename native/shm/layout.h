// The page that the owner of memory shares with one peer: per queue pair the owner's end, as the peer's requests find
// it, and the buffers for what the peer SENDs. The peer executes its requests itself (it is the NIC of the target), so
// everything that a NIC would look up stands here, and is looked up anew for each packet.
//
// Who writes what. `word` of an end: the owner, and the peer only to move it to ERR. `busy` and `received`: the peer.
// `taken`, `registration`, `generation`: the owner. `isAsleep`: the owner, and the peer that wakes it.
// Geometry never stands here but is agreed on in the handshake, so that nobody follows an index that another process may
// have broken.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "../fabric/fabric.h"

namespace aviary {

static_assert(std::atomic<uint64_t>::is_always_lock_free && std::atomic<uint32_t>::is_always_lock_free);

/// One end of a queue pair, in one word so that a look at it is consistent: 3 bits of state, 3 of rights, 26 of session,
/// 32 of connection.
struct EndWord {
  EndState state;
  uint32_t rights;
  uint32_t connection;
  /// Counts resets: what was sent under another number is of another life of this end. It would have to come round while
  /// one packet is under way, and with that each reset takes a grace period and a move of the memory: days.
  uint32_t session;

  static constexpr uint32_t sessionMask = (1u << 26) - 1;

  static EndWord unpack(uint64_t word) {
    return {static_cast<EndState>(word & 7), static_cast<uint32_t>(word >> 3 & Right::all),
            static_cast<uint32_t>(word >> 32), static_cast<uint32_t>(word >> 6) & sessionMask};
  }
  uint64_t pack() const {
    return static_cast<uint64_t>(state) | uint64_t{rights} << 3 | uint64_t{session & sessionMask} << 6 |
           uint64_t{connection} << 32;
  }
  /// RTR and SQD serve as well as RTS.
  bool serves() const {
    return state == EndState::readyToReceive || state == EndState::readyToSend || state == EndState::drained;
  }
};

struct SharedEnd {
  alignas(64) std::atomic<uint64_t> word;
  /// Odd while the peer executes a packet; see `shm/revocation.h`.
  alignas(64) std::atomic<uint32_t> busy;
  /// Messages that have arrived, and those that the owner has taken; both count on for ever.
  alignas(64) std::atomic<uint32_t> received;
  alignas(64) std::atomic<uint32_t> taken;
};

/// Steps of a generation: it says in which memory the owner's regions are, and grows by four when they move.
struct Generation {
  /// No packet begins; those that have begun are waited for, and count.
  static constexpr uint32_t keepingOut = 1;
  /// Being copied: what is stored now may be lost.
  static constexpr uint32_t copying = 2;
  static constexpr uint32_t next = 4;
};

struct SharedHeader {
  /// See `Generation`.
  alignas(64) std::atomic<uint32_t> generation;
  /// Per region its key (high half) and its rights.
  alignas(64) std::atomic<uint64_t> registration[regionsMax];
  /// Set while the owner sleeps. The peer looks at it after its packets, and the one that takes it away wakes.
  alignas(64) std::atomic<uint32_t> isAsleep;
};

/// Ahead of the bytes of a message.
struct MessageHeader {
  uint32_t session;
  uint32_t isNotice;
  uint32_t length;
  uint32_t immediate;
};

/// Sizes on which all nodes of a cluster agree.
struct Geometry {
  uint32_t pairs;
  uint32_t receiveDepth;
  uint32_t messageBytes;

  size_t slotBytes() const { return (sizeof(MessageHeader) + messageBytes + 63) / 64 * 64; }
  /// A power of two, so that counting on over 2^32 goes on with the next slot.
  uint32_t slots() const { return receiveDepth == 0 ? 0 : std::bit_ceil(receiveDepth); }
  size_t pageBytes() const {
    return sizeof(SharedHeader) + pairs * (sizeof(SharedEnd) + slots() * slotBytes());
  }
};

/// A view of such a page.
class LinkPage {
 public:
  LinkPage() = default;
  LinkPage(std::byte* base, const Geometry& geometry) : base_(base), geometry_(geometry) {}

  explicit operator bool() const { return base_ != nullptr; }
  SharedHeader& header() const { return *reinterpret_cast<SharedHeader*>(base_); }
  SharedEnd& end(uint32_t pair) const {
    return *reinterpret_cast<SharedEnd*>(base_ + sizeof(SharedHeader) + pair * sizeof(SharedEnd));
  }
  /// The buffer of message number `ordinal`: a header, then the bytes.
  std::byte* slot(uint32_t pair, uint32_t ordinal) const {
    const size_t slots = sizeof(SharedHeader) + geometry_.pairs * sizeof(SharedEnd);
    const size_t index = size_t{pair} * geometry_.slots() + (ordinal & (geometry_.slots() - 1));
    return base_ + slots + index * geometry_.slotBytes();
  }

 private:
  std::byte* base_ = nullptr;
  Geometry geometry_{};
};

}  // namespace aviary
