#include "log.h"

#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

namespace aviary {

namespace {

constexpr uint32_t commandsPerCommit = 4096;

const LogOptions& checked(const LogOptions& options) {
  const auto require = [](bool condition, const char* sentence) {
    if (!condition) throw NativeError("ERR_OPTIONS", sentence);
  };
  require(!options.folder.empty(), "the log must name its folder");
  require(options.segmentBytes >= 4096 && options.segmentBytes <= 1u << 30 && options.segmentBytes % 4096 == 0,
          "segmentBytes must be a multiple of 4096 up to 1 GiB");
  require(options.bufferBytes >= 4096 && options.bufferBytes <= 1u << 30 && std::has_single_bit(options.bufferBytes),
          "bufferBytes must be a power of two from 4096 to 1 GiB");
  return options;
}

}  // namespace

Log::Log(const LogOptions& options, std::unique_ptr<Disk> disk, std::shared_ptr<Sleeper> sleeper)
    : options_(checked(options)),
      disk_(std::move(disk)),
      sleeper_(std::move(sleeper)),
      files_(options_.folder, options_.segmentBytes, *disk_, recovered_),
      commands_(options_.bufferBytes) {
  // Signals are for the program's own threads; a file that grows beyond its limit is told by errno then.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Log::~Log() {
  isEnding_.store(true);
  wake();
  thread_.join();
}

// The futex itself rather than std::atomic::wait, which yields before it sleeps: on a busy machine the thread that has
// yielded was woken 4 ms later.
void Log::wake() {
  wakes_.fetch_add(1);
  if (isAsleep_.load()) ::syscall(SYS_futex, &wakes_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

void Log::sleep(uint32_t wakes) {
  isAsleep_.store(true);
  // Returns at once when somebody has called meanwhile.
  ::syscall(SYS_futex, &wakes_, FUTEX_WAIT_PRIVATE, wakes, nullptr, nullptr, 0);
  isAsleep_.store(false);
}

// ---- the owner's thread

Misuse Log::push(const Command& command, const std::byte* bytes) {
  if (commands_.push(command, bytes)) return Misuse::none;
  wake();
  return Misuse::storageFull;
}

Misuse Log::append(std::span<const std::byte> bytes) {
  const auto length = static_cast<uint32_t>(bytes.size());
  if (!files_.fits(length) || LogFiles::recordBytes(length) > options_.bufferBytes / 2) return Misuse::length;
  // Long before the ring is full the thread is to empty it, though nobody has asked for a flush.
  unseenBytes_ += length;
  if (unseenBytes_ > options_.bufferBytes / 4) {
    unseenBytes_ = 0;
    wake();
  }
  return push({Command::Kind::append, length, 0}, bytes.data());
}

Misuse Log::truncate(uint32_t records) { return push({Command::Kind::truncate, 0, records}, nullptr); }

Misuse Log::flush(uint32_t token) {
  if (asked_ - told_ == flushesMax) return Misuse::storageFull;
  const Misuse misuse = push({Command::Kind::flush, 0, token}, nullptr);
  if (misuse != Misuse::none) return misuse;
  asked_++;
  wake();
  return Misuse::none;
}

void Log::poll(CompletionSink& sink) {
  if (told_ == asked_) return;
  for (const uint32_t done = done_.load(std::memory_order_acquire); told_ != done && sink.hasRoom(); told_++) {
    const Outcome& outcome = outcomes_[told_ % flushesMax];
    sink.next() = {CompletionKind::stored, noQueuePair, outcome.token, outcome.status, 0, 0, 0, 0};
  }
}

// ---- its own thread

void Log::work() {
  for (;;) {
    const uint32_t wakes = wakes_.load();
    const bool isFlushAsked = gather();
    if (isFlushAsked) {
      const Status status = files_.commit();
      const uint32_t done = done_.load(std::memory_order_relaxed);
      for (uint32_t i = 0; i < gatheredCount_; i++) outcomes_[(done + i) % flushesMax] = {gathered_[i], status};
      done_.store(done + std::exchange(gatheredCount_, 0), std::memory_order_release);
      if (sleeper_ != nullptr) sleeper_->notify();
      continue;
    }
    if (isEnding_.load()) return;
    sleep(wakes);
  }
}

/// Takes the commands that are there, but not for ever when more keep coming; whether one of them is a flush.
bool Log::gather() {
  std::span<const std::byte> bytes;
  for (uint32_t taken = 0; gatheredCount_ == 0 || taken < commandsPerCommit; taken++) {
    const Command command = commands_.front(bytes);
    switch (command.kind) {
      case Command::Kind::append:
        files_.stage(bytes);
        break;
      case Command::Kind::truncate:
        files_.truncate(command.value);
        break;
      case Command::Kind::flush:
        gathered_[gatheredCount_++] = static_cast<uint32_t>(command.value);
        break;
      case Command::Kind::none:
      case Command::Kind::skip:
        return gatheredCount_ > 0;
    }
    commands_.pop(command);
  }
  return true;
}

}  // namespace aviary
