// Sleeping and waking without Node. Nothing here may run into a timeout, which are long beyond what any wake takes.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "../../../native/memory/words.h"
#include "harness.h"

using namespace aviary;

namespace {

constexpr uint64_t longNanos = 10'000'000'000;

ShmOptions options(const std::string& cluster, uint32_t self) {
  ShmOptions all;
  all.cluster = cluster;
  all.self = self;
  all.nodes = 2;
  all.regionBytes = {64};
  all.receiveQueueDepth = 4;
  all.messageBytes = 64;
  return all;
}

/// A node with a batch, whose turns carry nothing.
struct Turning {
  Turning(const std::string& cluster, uint32_t self)
      : peer(1 - self), fabric(options(cluster, self)), batch({}, &fabric, nullptr, std::make_shared<Sleeper>()) {
    while (fabric.peerState(peer) != PeerState::connected) batch.turn();
  }
  uint64_t word() const { return loadWord(fabric.memory()->base()); }
  void write(uint64_t value) {
    Request request{};
    request.operation = Operation::write;
    request.queuePair = peer;
    request.length = 8;
    request.flags = Flag::signaled;
    request.payload = reinterpret_cast<const std::byte*>(&value);
    CHECK(fabric.post(request) == Misuse::none);
    batch.turn();
  }
  /// Sleeps until a value has been written.
  void await(uint64_t value) {
    for (batch.turn(); word() != value; batch.turn()) CHECK(batch.wait(longNanos));
  }

  const uint32_t peer;
  ShmFabric fabric;
  Batch batch;
};

}  // namespace

TEST("two processes that sleep wake each other, thousands of times") {
  const std::string cluster = freshCluster();
  constexpr uint64_t rounds = 5'000;
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  CHECK(child >= 0);
  if (child == 0) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent) ::_exit(2);
    Turning node(cluster, 1);
    for (uint64_t i = 1; i <= rounds; i++) {
      node.await(i);
      node.write(i);
    }
    ::_exit(0);
  }
  Turning node(cluster, 0);
  for (uint64_t i = 1; i <= rounds; i++) {
    node.write(i);
    node.await(i);
  }
  CHECK(node.fabric.wakes() > 0);
  int status = 0;
  CHECK(::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
  // The kernel tells of its end.
  while (node.fabric.peerState(1) == PeerState::connected) {
    CHECK(node.batch.wait(longNanos));
    node.batch.turn();
  }
}

TEST("threads of one process wake each other by number, thousands of times, and gone ones not at all") {
  const auto one = std::make_shared<Sleeper>();
  const auto other = std::make_shared<Sleeper>();
  const uint64_t numbers[] = {enroll(one), enroll(other)};
  CHECK(numbers[0] != numbers[1]);
  constexpr uint32_t rounds = 20'000;
  const auto await = [](Batch& batch, const std::atomic<uint32_t>& count, uint32_t value) {
    while (count.load(std::memory_order_acquire) != value) CHECK(batch.wait(longNanos));
  };
  std::atomic<uint32_t> there{0};
  std::atomic<uint32_t> back{0};
  std::thread thread([&] {
    Batch batch({}, nullptr, nullptr, other);
    for (uint32_t i = 1; i <= rounds; i++) {
      await(batch, there, i);
      back.store(i, std::memory_order_release);
      wakeEnrolled(numbers[0]);
    }
  });
  Batch batch({}, nullptr, nullptr, one);
  for (uint32_t i = 1; i <= rounds; i++) {
    there.store(i, std::memory_order_release);
    wakeEnrolled(numbers[1]);
    await(batch, back, i);
  }
  thread.join();
  strike(numbers[0]);
  strike(numbers[1]);
  while (batch.wait(0)) {
  }
  wakeEnrolled(numbers[0]);
  wakeEnrolled(0);
  CHECK(!batch.wait(0));
  CHECK(enroll(one) > numbers[1]);
}

TEST("a wake before the sleep is not lost, and counts once") {
  const auto sleeper = std::make_shared<Sleeper>();
  Batch batch({}, nullptr, nullptr, sleeper);
  sleeper->wake();
  sleeper->wake();
  CHECK(batch.wait(longNanos));
  CHECK(!batch.wait(0));
  CHECK(!batch.wait(1'000'000));
}

TEST("what was written between the last turn and the sleep ends it before it begins") {
  const std::string cluster = freshCluster();
  Node writer(options(cluster, 0));
  ShmFabric fabric(options(cluster, 1));
  Batch batch({}, &fabric, nullptr, std::make_shared<Sleeper>());
  while (fabric.peerState(0) != PeerState::connected || !writer.isConnected(1)) {
    batch.turn();
    CHECK(writer.poll().empty());
  }
  const uint64_t value = 1;
  Request request{};
  request.queuePair = 1;
  request.length = 8;
  request.payload = reinterpret_cast<const std::byte*>(&value);
  for (const Operation operation : {Operation::write, Operation::writeImmediate, Operation::send, Operation::fetchAdd}) {
    batch.turn();
    while (batch.wait(0)) batch.turn();
    request.operation = operation;
    if (operation == Operation::fetchAdd) request.payload = nullptr;
    CHECK(writer.fabric.post(request) == Misuse::none);
    CHECK(writer.poll().empty());
    CHECK(batch.wait(longNanos));
  }
  // An end moved to ERR.
  batch.turn();
  while (batch.wait(0)) batch.turn();
  request.operation = Operation::write;
  request.remote = {7, 0};
  request.payload = reinterpret_cast<const std::byte*>(&value);
  CHECK(writer.fabric.post(request) == Misuse::none);
  CHECK(writer.next().status == Status::remoteAccess);
  CHECK(batch.wait(longNanos));
  CHECK(fabric.endState(0) == EndState::error);
  // It was awake all the time.
  CHECK(writer.fabric.wakes() == 0);
}
