// How the thread of a node sleeps, and how it is woken: by the kernel, which tells what its peers do with their sockets
// (a call to wake, a handshake, death), and by other threads of its process.
//
// No wake is lost. The sleeper announces itself, then a full fence, then looks again at everything that a turn would see,
// and only then sleeps; whoever has something for it makes that visible, then a full fence, then looks at the
// announcement. So either the sleeper sees what has happened, or it is woken, and what wakes it (a readable descriptor)
// stays until it looks. Whoever is awake costs the others that look, and no system call.
//
// Rejected: a futex in shared memory. A thread can wait for one word of a futex or for descriptors, not for both, and a
// word is woken by nobody when a peer is killed or comes: that would take a second thread, or rising every millisecond to
// look. It would also lie open to every peer, where a socket is between two.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "../memory/mapping.h"

namespace aviary {

class Sleeper {
 public:
  enum class Ended { timeout, woken, readable };

  /// Throws NativeError.
  Sleeper();

  // ---- any thread

  /// Ends its sleep, or the next one before it begins.
  void wake();
  /// Ends its sleep, if it sleeps. What it is to find then must be there already.
  void notify();

  // ---- its own thread

  /// From here on others wake it. Ends with a full fence.
  void announce();
  void withdraw() { isAsleep_.store(false, std::memory_order_relaxed); }
  /// Whether it has been woken since the last time.
  bool takeWake() { return isWoken_.exchange(false, std::memory_order_acquire); }
  /// Sleeps for so long at most, or until a descriptor (-1: none) is readable. A signal to this thread ends it as well.
  Ended sleep(int descriptor, uint64_t nanos);

 private:
  UniqueFd event_;
  alignas(64) std::atomic<bool> isAsleep_{false};
  std::atomic<bool> isWoken_{false};
};

/// Sleepers of this process by number, so that a thread can name one that it has no hold of. A number is used once.
uint64_t enroll(std::shared_ptr<Sleeper> sleeper);
void strike(uint64_t number);
/// Nothing happens when the number is of nobody, or of one that is gone.
void wakeEnrolled(uint64_t number);

}  // namespace aviary
