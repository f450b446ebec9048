// One call for everything: a batch of requests in, progress, and everything that has ended out.
//
// The memory of a batch is seen by JavaScript as one ArrayBuffer. Requests are descriptors of sixteen 32-bit words,
// completions have eight. Bytes that go out (inline payloads, messages, records, what is published) are taken from the
// output arena during the call; bytes that come in (messages, observations) are put into the input arena, and windows
// into their places, and stay until the next call. Nothing is allocated. `native/batch-layout.ts` has the same numbers.
//
// A request that is refused as the caller's mistake ends the call at once: the requests before it have been taken, it and
// those behind it have not. Its index and the reason stand in the header.
#pragma once

#include <memory>
#include <vector>

#include "../fabric/fabric.h"
#include "../memory/mapping.h"
#include "../sleep/sleeper.h"
#include "../storage/log.h"

namespace aviary {

/// Operations of a descriptor; those of `Operation` and these.
enum class Extra : uint32_t {
  control = 16,
  protect = 17,
  observe = 18,
  publish = 19,
  watch = 20,
  append = 21,
  flush = 22,
  truncate = 23,
};

struct Descriptor {
  uint32_t operation;
  /// Queue pair, or the index of a window.
  uint32_t queuePair;
  uint32_t remoteRegion;
  uint32_t remoteOffset;
  /// Own region, unless the payload is inline; `localOffset` then counts in the output arena.
  uint32_t localRegion;
  uint32_t localOffset;
  uint32_t length;
  uint32_t token;
  /// Flags in the low half, the key in the high one (`withKey` of the contract).
  uint32_t flags;
  /// Immediate data, kind of a control call, rights.
  uint32_t argument;
  uint32_t operandLow;
  uint32_t operandHigh;
  uint32_t desiredLow;
  uint32_t desiredHigh;
  uint32_t reserved[2];
};
static_assert(sizeof(Descriptor) == 64);

/// In and out by memory, since each argument and each result of a native call has its price.
struct BatchHeader {
  /// How many requests to take; written by the caller.
  uint32_t requests;
  /// 0, or why request `misuseIndex` was refused.
  uint32_t misuse;
  uint32_t misuseIndex;
  /// How many there are.
  uint32_t completions;
  /// 1 if a word of a watched window is another than after the turn before.
  uint32_t windowsChanged;
  uint32_t reserved[11];
};
static_assert(sizeof(BatchHeader) == 64);

struct BatchOptions {
  uint32_t requests = 256;
  uint32_t completions = 256;
  uint32_t outputBytes = 1u << 16;
  uint32_t inputBytes = 1u << 16;
  std::vector<uint32_t> windowBytes;
};

/// Byte offsets in the memory of a batch.
struct BatchLayout {
  uint32_t requests;
  uint32_t completions;
  uint32_t output;
  uint32_t input;
  std::vector<uint32_t> windows;
  uint32_t bytes;
};

class Batch {
 public:
  Batch(const BatchOptions& options, Fabric* fabric, Log* log, std::shared_ptr<Sleeper> sleeper);

  /// Takes the requests, makes progress and fills the completions, as the header says and tells.
  void turn();
  /// Sleeps until a turn may find something, or for so long. False when the time is over; true may be for nothing.
  bool wait(uint64_t nanos);

  const BatchLayout& layout() const { return layout_; }
  std::shared_ptr<Mapping> share() const { return memory_; }

 private:
  struct Window {
    Place place{};
    bool isWatched = false;
  };

  Misuse take(const Descriptor& descriptor, CompletionSink& sink);
  Misuse post(const Descriptor& descriptor);
  Misuse observe(const Descriptor& descriptor, CompletionSink& sink);
  Misuse publish(const Descriptor& descriptor);
  Misuse watch(const Descriptor& descriptor);
  Misuse store(const Descriptor& descriptor);
  bool isOutput(uint32_t offset, uint32_t length) const;
  std::byte* own(const Place& place, uint32_t length) const;
  bool hasNewWindow() const;

  const BatchOptions options_;
  Fabric* const fabric_;
  std::byte* const fabricMemory_;
  Log* const log_;
  const std::shared_ptr<Sleeper> sleeper_;
  BatchLayout layout_{};
  std::shared_ptr<Mapping> memory_;
  std::vector<Window> windows_;
};

}  // namespace aviary
