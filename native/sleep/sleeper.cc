#include "sleeper.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <cerrno>
#include <map>
#include <mutex>

#include "../native_error.h"

namespace aviary {

Sleeper::Sleeper() : event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!event_) throw NativeError("ERR_SOCKET", "eventfd", errno);
}

void Sleeper::wake() {
  isWoken_.store(true, std::memory_order_release);
  notify();
}

void Sleeper::notify() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!isAsleep_.load(std::memory_order_relaxed)) return;
  const uint64_t one = 1;
  // It could only fail when it has been told 2^64 times already.
  [[maybe_unused]] const ssize_t written = ::write(event_.get(), &one, sizeof one);
}

void Sleeper::announce() {
  isAsleep_.store(true, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
}

Sleeper::Ended Sleeper::sleep(int descriptor, uint64_t nanos) {
  pollfd watched[] = {{event_.get(), POLLIN, 0}, {descriptor, POLLIN, 0}};
  const timespec timeout{static_cast<time_t>(nanos / 1'000'000'000u), static_cast<long>(nanos % 1'000'000'000u)};
  const int count = ::ppoll(watched, 2, &timeout, nullptr);
  if (count == 0) return Ended::timeout;
  if (count > 0 && watched[0].revents != 0) {
    uint64_t told;
    [[maybe_unused]] const ssize_t got = ::read(event_.get(), &told, sizeof told);
  }
  return count > 0 && watched[1].revents != 0 ? Ended::readable : Ended::woken;
}

// ---- by number

namespace {

struct Roll {
  std::mutex mutex;
  std::map<uint64_t, std::shared_ptr<Sleeper>> sleepers;
  uint64_t last = 0;
};

/// Never destroyed, since a thread may still wake another one while the process ends.
Roll& roll() {
  static Roll& only = *new Roll;
  return only;
}

}  // namespace

uint64_t enroll(std::shared_ptr<Sleeper> sleeper) {
  const std::lock_guard guard(roll().mutex);
  roll().sleepers.emplace(++roll().last, std::move(sleeper));
  return roll().last;
}

void strike(uint64_t number) {
  const std::lock_guard guard(roll().mutex);
  roll().sleepers.erase(number);
}

void wakeEnrolled(uint64_t number) {
  const std::lock_guard guard(roll().mutex);
  const auto found = roll().sleepers.find(number);
  if (found != roll().sleepers.end()) found->second->wake();
}

}  // namespace aviary
