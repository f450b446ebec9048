// What a runner needs of RDMA, whatever is behind it: shared memory (`shm/`) or ibverbs (`verbs/`).
//
// Contract. A fabric belongs to one thread, which makes every call; it has no thread of its own. `post` queues a work
// request, `poll` makes progress and hands out what has ended, in batches. Control calls (rights, reset, connection)
// are asynchronous: they complete through `poll`. Nothing here allocates after construction, but for connections that
// come and go. Statuses, flags, rights and control codes have the numbers of `protocol/contract.ts`; a test compares
// them. Rules of the fabric: docs/fabric.md; what shm does differently: docs/native.md.
//
// Errors of the caller are returned as `Misuse` and change nothing; errors of the machine at construction are thrown
// as `NativeError`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "../memory/mapping.h"
#include "../native_error.h"

namespace aviary {

enum class Status : uint32_t {
  ok = 0,
  flushed = 1,
  remoteAccess = 2,
  remoteInvalidRequest = 3,
  retryExceeded = 4,
  diskFull = 5,
  diskFailed = 6,
  receiverNotReady = 7,
  invalidTransition = 8,
};

enum class Operation : uint32_t {
  write = 1,
  writeImmediate = 2,
  read = 3,
  compareSwap = 4,
  fetchAdd = 5,
  send = 6,
};

enum class Control : uint32_t {
  rights = 0,
  reset = 1,
  connect = 2,
  init = 3,
  readyToReceive = 4,
  readyToSend = 5,
  drain = 6,
  error = 7,
};

enum class EndState : uint32_t { reset, init, readyToReceive, readyToSend, drained, error };

struct Flag {
  static constexpr uint32_t signaled = 1, inlined = 2, fence = 4;
};

struct Right {
  static constexpr uint32_t write = 1, read = 2, atomic = 4, all = 7, none = 0;
};

/// The queue pair of a completion that belongs to none (the end of a `protect`).
inline constexpr uint32_t noQueuePair = 0xffff;
inline constexpr uint32_t nodesMax = 32;
inline constexpr uint32_t regionsMax = 32;

/// What the caller did wrong; nothing has changed.
enum class Misuse : uint32_t {
  none = 0,
  operation,       // no such operation
  queuePair,       // no such queue pair
  length,          // zero, beyond the limit, or no multiple of 8 where whole words are moved
  alignment,       // an offset that is no multiple of 8
  local,           // local bytes outside the registered region, or outside the arena
  queueFull,       // more requests than the send queue holds
  notReady,        // posted before the queue pair is ready to send
  inlineTooLong,   // more inline bytes than `inlineBytesMax`
  control,         // no such control call, or an argument out of range
  controlBusy,     // one control call at a time may be under way per end (per node for protect)
  region,          // no such own region
  window,          // no such window
  storage,         // no log is attached
  storageFull,     // more is queued for the log than its buffer holds: flush, and wait for it
};

struct Place {
  uint32_t region;
  uint32_t offset;
};

struct Request {
  Operation operation;
  uint32_t queuePair;
  Place remote;
  /// Own registered memory, unless the payload is inline.
  Place local;
  uint32_t length;
  uint32_t token;
  uint32_t flags;
  /// rkey: 0, or as counted by `protect`.
  uint32_t key;
  uint32_t immediate;
  uint64_t operand;
  uint64_t desired;
  /// Inline payload (always for a SEND), captured by `post`.
  const std::byte* payload;
};

enum class CompletionKind : uint32_t { request, control, message, notice, stored, observed };

struct Completion {
  CompletionKind kind;
  uint32_t queuePair;
  uint32_t token;
  Status status;
  /// Of a message or an observation: where its bytes stand in the input arena.
  uint32_t offset;
  uint32_t length;
  uint32_t immediate;
  uint32_t reserved;
};
static_assert(sizeof(Completion) == 32);

/// Where completions go: an array, and an arena for the bytes of messages.
struct CompletionSink {
  std::span<Completion> completions;
  std::span<std::byte> arena;
  uint32_t count = 0;
  uint32_t arenaUsed = 0;

  bool hasRoom(uint32_t bytes = 0) const {
    return count < completions.size() && arenaUsed + bytes <= arena.size();
  }
  Completion& next() { return completions[count++]; }
};

struct Region {
  uint32_t offset;
  uint32_t bytes;
};

enum class PeerState : uint32_t { absent, connected, incompatible };

class Fabric {
 public:
  virtual ~Fabric() = default;

  virtual Misuse post(const Request& request) = 0;
  virtual Misuse control(uint32_t queuePair, Control change, uint32_t argument, uint32_t token) = 0;
  virtual Misuse protect(uint32_t region, uint32_t rights, uint32_t token) = 0;
  /// Makes progress and hands out what has ended, as far as there is room.
  virtual void poll(CompletionSink& sink) = 0;

  /// Registered memory; its address stays the same for the life of the fabric, and for that of those who share it.
  virtual std::shared_ptr<Mapping> memory() const = 0;
  virtual std::span<const Region> regions() const = 0;
  /// Whether low addresses of a WRITE are visible first, so that a trailing canary may be trusted.
  virtual bool placesInOrder() const = 0;
  /// Whether the peer's memory can be reached now, as far as is known.
  virtual PeerState peerState(uint32_t node) const = 0;
  /// What a peer must be told so that it can connect to this node; empty where peers find each other by themselves.
  virtual std::vector<std::byte> addressFor(uint32_t) const { return {}; }
  /// Grows when an address has changed: peers must be told again.
  virtual uint32_t addressRevision() const { return 0; }
  /// A peer has told its address. False when nothing can be begun with it.
  virtual bool meet(uint32_t, std::span<const std::byte>) { return false; }
  virtual EndState endState(uint32_t queuePair) const = 0;
  /// How often the memory has moved away from a peer that could not be stopped otherwise.
  virtual uint32_t relocations() const = 0;
  /// Loses requests, or answers, of one queue pair: a link cut, for tests and drills. Where the fabric has no hold of
  /// packets it is a mistake to ask.
  virtual Misuse impair(uint32_t queuePair, bool losesRequests, bool losesAnswers) = 0;

  // ---- sleep of the owner, between two polls; `batch/batch.cc` has the order

  /// Becomes readable when there is something that only the kernel tells.
  virtual int descriptor() const = 0;
  /// From here on peers wake the owner. A full fence follows.
  virtual void announceSleep() = 0;
  /// How long the owner may sleep: 0 when something has happened that it may not have seen, a moment while something is
  /// under way that goes on in `poll` alone, UINT64_MAX when nothing but an event needs it.
  virtual uint64_t restNanos() const = 0;
  /// Whether `restNanos` is 0 when a peer has written since the last poll. Where it is not, memory must be looked at.
  virtual bool noticesWrites() const = 0;
  /// Peers need not wake it any more. Follows `announceSleep` in any case.
  virtual void endSleep(bool hasSlept) = 0;
  /// How often this node has woken a peer, with a system call each.
  virtual uint32_t wakes() const = 0;
};

}  // namespace aviary
