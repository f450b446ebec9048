// The durable log as its owner's thread sees it: calls that never wait, and a thread of its own that does.
//
// `append` and `truncate` cost a copy into a ring; `flush` wakes the thread, which makes everything asked for before
// durable, and reports it. Flushes that have gathered meanwhile share one commit. A flush that fails ends the promise for
// all that was appended since the last good one; what is appended after its report is a new beginning.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../fabric/fabric.h"
#include "../sleep/sleeper.h"
#include "command_ring.h"
#include "disk.h"
#include "log_files.h"

namespace aviary {

struct LogOptions {
  std::string folder;
  uint32_t segmentBytes = 16u << 20;
  /// Appends that may wait for the thread, with their framing.
  uint32_t bufferBytes = 1u << 20;
};

class Log {
 public:
  /// Opens the log; throws NativeError.
  ///
  /// `sleeper` is notified when a flush has ended; there may be none.
  Log(const LogOptions& options, std::unique_ptr<Disk> disk, std::shared_ptr<Sleeper> sleeper = nullptr);
  /// Ends after what it is doing; what is not flushed is not made durable.
  ~Log();

  Misuse append(std::span<const std::byte> bytes);
  Misuse flush(uint32_t token);
  Misuse truncate(uint32_t records);
  /// Hands out the outcomes of flushes, in order.
  void poll(CompletionSink& sink);
  /// Whether a flush has ended that has not been handed out.
  bool hasOutcome() const { return done_.load(std::memory_order_acquire) != told_; }

  /// What the log held when it was opened: per record a u32 length and the bytes, padded to 4.
  std::vector<std::byte>& recovered() { return recovered_; }

 private:
  static constexpr uint32_t flushesMax = 64;
  struct Outcome {
    uint32_t token;
    Status status;
  };

  void work();
  bool gather();
  void wake();
  void sleep(uint32_t wakes);
  Misuse push(const Command& command, const std::byte* bytes);

  const LogOptions options_;
  std::unique_ptr<Disk> disk_;
  const std::shared_ptr<Sleeper> sleeper_;
  std::vector<std::byte> recovered_;
  LogFiles files_;
  CommandRing commands_;
  uint32_t unseenBytes_ = 0;
  uint32_t asked_ = 0;
  uint32_t told_ = 0;
  /// Tokens of flushes that the next commit answers; the thread's own.
  uint32_t gathered_[flushesMax] = {};
  uint32_t gatheredCount_ = 0;
  Outcome outcomes_[flushesMax] = {};
  alignas(64) std::atomic<uint32_t> done_{0};
  alignas(64) std::atomic<uint32_t> wakes_{0};
  std::atomic<bool> isAsleep_{false};
  std::atomic<bool> isEnding_{false};
  std::thread thread_;
};

}  // namespace aviary
