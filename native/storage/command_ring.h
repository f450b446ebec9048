// A ring of commands with their bytes, from one thread to another; neither ever waits for the other here.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstring>
#include <span>

#include "../memory/mapping.h"

namespace aviary {

struct Command {
  enum class Kind : uint32_t { none, append, flush, truncate, skip };
  Kind kind;
  /// Bytes that follow.
  uint32_t length;
  /// Token of a flush, count of a truncation.
  uint64_t value;
};

class CommandRing {
 public:
  /// `bytes` is a power of two, and of whole pages.
  explicit CommandRing(size_t bytes) : memory_(Mapping::anonymous(bytes)), mask_(bytes - 1) {}

  /// False when there is no room.
  bool push(const Command& command, const std::byte* bytes) {
    const uint64_t size = sizeOf(command);
    const uint64_t tail = tail_.load(std::memory_order_relaxed);
    const uint64_t untilEnd = memory_.bytes() - (tail & mask_);
    const uint64_t skipped = untilEnd < size ? untilEnd : 0;
    if (tail + skipped + size - head_.load(std::memory_order_acquire) > memory_.bytes()) return false;
    if (skipped > 0) put(tail, {Command::Kind::skip, 0, 0});
    put(tail + skipped, command);
    if (command.length > 0)
      std::memcpy(memory_.base() + ((tail + skipped) & mask_) + sizeof command, bytes, command.length);
    tail_.store(tail + skipped + size, std::memory_order_release);
    return true;
  }

  /// The next command and its bytes; of kind none when there is none.
  Command front(std::span<const std::byte>& bytes) {
    uint64_t head = head_.load(std::memory_order_relaxed);
    if (head == tail_.load(std::memory_order_acquire)) return {Command::Kind::none, 0, 0};
    Command command = at(head);
    if (command.kind == Command::Kind::skip) {
      head += memory_.bytes() - (head & mask_);
      head_.store(head, std::memory_order_release);
      command = at(head);
    }
    bytes = {memory_.base() + (head & mask_) + sizeof command, command.length};
    return command;
  }
  void pop(const Command& command) {
    head_.store(head_.load(std::memory_order_relaxed) + sizeOf(command), std::memory_order_release);
  }

 private:
  // As large as a cell at least, so that the rest of the ring always has room for a command that skips it.
  static uint64_t sizeOf(const Command& command) { return (sizeof command + command.length + 15) / 16 * 16; }
  void put(uint64_t position, const Command& command) {
    std::memcpy(memory_.base() + (position & mask_), &command, sizeof command);
  }
  Command at(uint64_t position) const {
    Command command;
    std::memcpy(&command, memory_.base() + (position & mask_), sizeof command);
    return command;
  }

  Mapping memory_;
  const uint64_t mask_;
  alignas(64) std::atomic<uint64_t> head_{0};
  alignas(64) std::atomic<uint64_t> tail_{0};
};
static_assert(sizeof(Command) == 16);

}  // namespace aviary
