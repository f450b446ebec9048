// The fabric without Node: in one process, and with a writer that is stopped and killed in the middle of a copy.
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "../../../native/memory/words.h"
#include "harness.h"

using namespace aviary;

namespace {

constexpr uint32_t regionBytes = 1 << 20;

ShmOptions options(const std::string& cluster, uint32_t self, uint32_t nodes = 2) {
  ShmOptions all;
  all.cluster = cluster;
  all.self = self;
  all.nodes = nodes;
  all.regionBytes = {64, regionBytes, regionBytes};
  all.packetBytes = 1 << 16;
  all.receiveQueueDepth = 2;
  all.messageBytes = 40;
  all.retryMicros = 60'000'000;
  return all;
}

Request request(Operation operation, uint32_t length, uint32_t token) {
  Request made{};
  made.operation = operation;
  made.queuePair = 1;
  made.length = length;
  made.token = token;
  made.flags = Flag::signaled;
  return made;
}

std::span<std::byte> region(Node& node, uint32_t index) {
  const Region& at = node.fabric.regions()[index];
  return node.fabric.memory()->span().subspan(at.offset, at.bytes);
}

/// A process that does not outlive this one. 0 in the child.
pid_t forkChild() {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  CHECK(child >= 0);
  if (child == 0 && (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || ::getppid() != parent)) ::_exit(2);
  return child;
}

/// A process that writes a whole region of node 0 again and again, filled with one value, until it fails.
pid_t forkWriter(const std::string& cluster, int value, uint32_t nodes = 2) {
  const pid_t child = forkChild();
  if (child > 0) return child;
  Node node(options(cluster, 1, nodes));
  std::memset(region(node, 1).data(), value, regionBytes);
  while (!node.isConnected(0)) CHECK(node.poll().empty());
  for (;;) {
    Request write = request(Operation::write, regionBytes, 0);
    write.queuePair = 0;
    write.remote = write.local = {1, 0};
    CHECK(node.fabric.post(write) == Misuse::none);
    const Status status = node.next().status;
    // The parent looks at this: the writer was refused, and not for any other reason.
    if (status != Status::ok) ::_exit(status == Status::remoteInvalidRequest ? 42 : 1);
  }
}

/// A process that fills region 2 of node 0 with one value after the other; says so in its region 0 when the WRITE has
/// completed, and goes on when it finds that value in its own.
pid_t forkCarefulWriter(const std::string& cluster) {
  const pid_t child = forkChild();
  if (child > 0) return child;
  Node node(options(cluster, 2, 3));
  while (!node.isConnected(0)) CHECK(node.poll().empty());
  for (uint64_t value = 1;; value++) {
    std::memset(region(node, 1).data(), static_cast<int>(value & 0xff), regionBytes);
    Request write = request(Operation::write, regionBytes, 0);
    write.queuePair = 0;
    write.remote = {2, 0};
    write.local = {1, 0};
    CHECK(node.fabric.post(write) == Misuse::none);
    CHECK(node.next().status == Status::ok);
    Request done = request(Operation::write, 8, 0);
    done.queuePair = 0;
    done.payload = reinterpret_cast<const std::byte*>(&value);
    CHECK(node.fabric.post(done) == Misuse::none);
    CHECK(node.next().status == Status::ok);
    while (loadWord(region(node, 0).data()) != value) CHECK(node.poll().empty());
  }
}

void awaitWriter(Node& owner, int value) {
  while (static_cast<int>(loadWord(region(owner, 1).data()) & 0xff) != value) CHECK(owner.poll().empty());
}

void stop(pid_t child) {
  CHECK(::kill(child, SIGSTOP) == 0);
  int status = 0;
  CHECK(::waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status));
}

/// The count of completions, or -1 after a mistake.
int32_t turn(Batch& batch, uint32_t requests) {
  auto& header = *reinterpret_cast<BatchHeader*>(batch.share()->base());
  header.requests = requests;
  batch.turn();
  return header.misuse == 0 ? static_cast<int32_t>(header.completions) : -1;
}

bool isAll(std::span<std::byte> bytes, int value) {
  return std::all_of(bytes.begin(), bytes.end(), [&](std::byte each) { return static_cast<int>(each) == value; });
}

}  // namespace

TEST("one-sided operations and messages") {
  const std::string cluster = freshCluster();
  Node one(options(cluster, 0));
  Node other(options(cluster, 1));
  meet(one, other);
  const uint64_t words[5] = {1, 2, 3, 4, 5};
  Request write = request(Operation::write, 40, 1);
  write.payload = reinterpret_cast<const std::byte*>(words);
  CHECK(one.fabric.post(write) == Misuse::none);
  CHECK(one.next().status == Status::ok);
  CHECK(std::memcmp(region(other, 0).data(), words, 40) == 0);
  Request swap = request(Operation::compareSwap, 8, 2);
  swap.operand = 1;
  swap.desired = 9;
  swap.local = {0, 56};
  CHECK(one.fabric.post(swap) == Misuse::none);
  CHECK(one.next().status == Status::ok);
  CHECK(loadWord(region(one, 0).data() + 56) == 1 && loadWord(region(other, 0).data()) == 9);
  for (uint32_t i = 0; i < 200; i++) {
    Request send = request(Operation::send, 40, 3);
    send.payload = reinterpret_cast<const std::byte*>(words);
    CHECK(one.fabric.post(send) == Misuse::none);
    CHECK(one.next().token == 3);
    const Completion message = other.next();
    CHECK(message.kind == CompletionKind::message && message.length == 40);
    CHECK(std::memcmp(other.arena + message.offset, words, 40) == 0);
  }
}

TEST("connection numbers have 32 bits, and ends whose numbers differ in any of them do not hear each other") {
  const std::string cluster = freshCluster();
  ShmOptions impatient = options(cluster, 0);
  impatient.retryMicros = 2'000;
  Node one(impatient);
  Node other(options(cluster, 1));
  meet(one, other);
  const auto connect = [](Node& node, uint32_t queuePair, uint32_t connection) {
    CHECK(node.fabric.control(queuePair, Control::connect, connection, 0) == Misuse::none);
    CHECK(node.next().status == Status::ok);
    CHECK(node.fabric.endState(queuePair) == EndState::readyToSend);
  };
  const uint64_t word = 1;
  Request write = request(Operation::write, 8, 0);
  write.payload = reinterpret_cast<const std::byte*>(&word);
  for (const uint32_t connection : {0u, 0xffffu, 0x10000u, 0x1234567u, 0x80000000u, 0xffffffffu}) {
    connect(other, 0, connection);
    connect(one, 1, connection);
    CHECK(one.fabric.post(write) == Misuse::none);
    CHECK(one.next().status == Status::ok);
  }
  for (uint32_t bit = 0; bit < 32; bit++) {
    connect(one, 1, 0xffffffffu ^ 1u << bit);
    CHECK(one.fabric.post(write) == Misuse::none);
    CHECK(one.next().status == Status::retryExceeded);
  }
}

TEST("an end in one word keeps what it is made of, and its session comes round") {
  for (const uint32_t session : {0u, 1u, EndWord::sessionMask})
    for (const uint32_t connection : {0u, 0xffffu, 0x10001u, 0xffffffffu})
      for (uint32_t rights = 0; rights <= Right::all; rights++) {
        const EndWord end = EndWord::unpack(EndWord{EndState::error, rights, connection, session}.pack());
        CHECK(end.state == EndState::error && end.rights == rights);
        CHECK(end.connection == connection && end.session == session);
      }
  CHECK(EndWord::unpack(EndWord{EndState::reset, 0, 0, EndWord::sessionMask + 1}.pack()).session == 0);
}

TEST("a writer stopped in the middle of a copy is revoked for good, by moving the memory") {
  uint32_t moved = 0;
  for (int round = 1; round <= 60 && moved < 3; round++) {
    const std::string cluster = freshCluster();
    Node owner(options(cluster, 0));
    const pid_t writer = forkWriter(cluster, round);
    awaitWriter(owner, round);
    stop(writer);
    CHECK(owner.fabric.control(1, Control::rights, Right::none, 0) == Misuse::none);
    CHECK(owner.next().status == Status::ok);
    moved += owner.fabric.relocations();
    std::memset(region(owner, 1).data(), 0xee, regionBytes);
    CHECK(::kill(writer, SIGCONT) == 0);
    int status = 0;
    while (::waitpid(writer, &status, WNOHANG) == 0) CHECK(owner.poll().empty());
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    CHECK(isAll(region(owner, 1), 0xee));
  }
  CHECK(moved > 0);
}

TEST("while the memory moves away from one stopped writer, what another one is told to be done is done whole") {
  for (uint32_t seed = 0, moved = 0; moved < 12; seed++) {
    CHECK(seed < 200);
    const std::string cluster = freshCluster();
    Node owner(options(cluster, 0, 3));
    const pid_t revoked = forkWriter(cluster, 1, 3);
    const pid_t careful = forkCarefulWriter(cluster);
    awaitWriter(owner, 1);
    std::byte* const done = region(owner, 0).data();
    while (loadWord(done) != 1) CHECK(owner.poll().empty());
    const uint64_t first = 1;
    Request acknowledge = request(Operation::write, 8, 0);
    acknowledge.queuePair = 2;
    acknowledge.payload = reinterpret_cast<const std::byte*>(&first);
    CHECK(owner.fabric.post(acknowledge) == Misuse::none);
    CHECK(owner.next().status == Status::ok);
    // Until the next WRITE has begun, and then some.
    while ((loadWord(region(owner, 2).data()) & 0xff) != 2) {
    }
    stop(careful);
    stop(revoked);
    CHECK(owner.fabric.control(1, Control::error, 0, 0) == Misuse::none);
    CHECK(owner.next().status == Status::ok);
    moved += owner.fabric.relocations();
    CHECK(::kill(careful, SIGCONT) == 0);
    while (loadWord(done) != 2) CHECK(owner.poll().empty());
    CHECK(isAll(region(owner, 2), 2));
    for (const pid_t child : {revoked, careful}) {
      CHECK(::kill(child, SIGKILL) == 0);
      CHECK(::waitpid(child, nullptr, 0) == child);
    }
  }
}

TEST("a writer killed in the middle of a copy is revoked without moving anything") {
  for (int round = 1; round <= 5; round++) {
    const std::string cluster = freshCluster();
    ShmOptions patient = options(cluster, 0);
    patient.graceMicros = 60'000'000;
    Node owner(patient);
    const pid_t writer = forkWriter(cluster, round);
    awaitWriter(owner, round);
    CHECK(::kill(writer, SIGKILL) == 0);
    CHECK(owner.fabric.protect(1, Right::read, 7) == Misuse::none);
    const Completion ended = owner.next();
    CHECK(ended.kind == CompletionKind::control && ended.queuePair == noQueuePair && ended.token == 7);
    CHECK(owner.fabric.relocations() == 0);
    std::memset(region(owner, 1).data(), 0xee, regionBytes);
    CHECK(::waitpid(writer, nullptr, 0) == writer);
    CHECK(isAll(region(owner, 1), 0xee));
  }
}

TEST("an owner that is killed harms nobody who writes to it") {
  const std::string cluster = freshCluster();
  const pid_t child = forkChild();
  if (child == 0) {
    Node owner(options(cluster, 0));
    for (;;) CHECK(owner.poll().empty());
  }
  ShmOptions impatient = options(cluster, 1);
  impatient.retryMicros = 20'000;
  Node writer(impatient);
  while (!writer.isConnected(0)) CHECK(writer.poll().empty());
  Status status = Status::ok;
  for (int i = 0; status == Status::ok; i++) {
    if (i == 100) CHECK(::kill(child, SIGKILL) == 0);
    Request write = request(Operation::write, regionBytes, 0);
    write.queuePair = 0;
    write.remote = write.local = {1, 0};
    CHECK(writer.fabric.post(write) == Misuse::none);
    status = writer.next().status;
  }
  CHECK(status == Status::retryExceeded);
  CHECK(::waitpid(child, nullptr, 0) == child);
}

TEST("in steady state nothing is allocated in C++, by fabric, batch and log") {
  const std::string cluster = freshCluster();
  const Folder folder;
  Node other(options(cluster, 1));
  ShmFabric fabric(options(cluster, 0));
  const auto sleeper = std::make_shared<Sleeper>();
  Log log({folder.path() + "/log", 1 << 20, 1 << 16}, std::make_unique<PlainDisk>(), sleeper);
  Batch batch({}, &fabric, &log, sleeper);
  while (fabric.peerState(1) != PeerState::connected || !other.isConnected(0)) {
    turn(batch, 0);
    other.poll();
  }
  auto* const requests = reinterpret_cast<Descriptor*>(batch.share()->base() + batch.layout().requests);
  uint64_t before = 0;
  uint32_t ended = 0;
  CompletionSink sink{{}, {}};
  Completion completions[16];
  for (uint32_t i = 0; i < 20'000; i++) {
    // The first turns may still fill what is allocated once.
    if (i == 1'000) before = allocations();
    requests[0] = {1, 1, 0, 0, 0, 0, 64, i, 3, 0, 0, 0, 0, 0, {}};
    requests[1] = {5, 1, 0, 8, 0, 16, 8, i, 1, 0, 1, 0, 0, 0, {}};
    requests[2] = {6, 1, 0, 0, 0, 0, 32, i, 1, 0, 0, 0, 0, 0, {}};
    requests[3] = {18, 0, 0, 0, 0, 0, 64, i, 0, 0, 0, 0, 0, 0, {}};
    uint32_t count = 4;
    if (i % 64 == 0) {
      requests[4] = {21, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0, {}};
      requests[5] = {22, 0, 0, 0, 0, 0, 0, i, 0, 0, 0, 0, 0, 0, {}};
      count = 6;
    }
    int32_t got = turn(batch, count);
    while (i % 64 == 0 && got >= 0 && ended != i / 64 + 1) {
      const auto* all = reinterpret_cast<Completion*>(batch.share()->base() + batch.layout().completions);
      for (int32_t k = 0; k < got; k++) ended += all[k].kind == CompletionKind::stored ? 1 : 0;
      if (ended == i / 64 + 1) break;
      CHECK(batch.wait(10'000'000'000));
      got = turn(batch, 0);
    }
    batch.wait(0);
    CHECK(got >= 0);
    sink = {completions, other.arena};
    other.fabric.poll(sink);
  }
  CHECK(allocations() == before);
}

TEST("a batch of garbage is refused or done, and touches nothing else") {
  const std::string cluster = freshCluster();
  const Folder folder;
  ShmOptions small = options(cluster, 0);
  small.loopback = true;
  small.regionBytes = {64, 4096};
  small.packetBytes = 64;
  small.retryMicros = 50;
  ShmOptions peer = small;
  peer.self = 1;
  ShmFabric one(small);
  ShmFabric other(peer);
  Log log({folder.path() + "/log", 8192, 4096}, std::make_unique<PlainDisk>());
  Batch first({16, 4, 128, 128, {8, 64}}, &one, &log, std::make_shared<Sleeper>());
  Batch second({16, 4, 128, 128, {8, 64}}, &other, nullptr, std::make_shared<Sleeper>());
  Draw draw(1);
  const uint32_t odd[] = {9, 63, 65, 4088, 4097, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};
  uint32_t taken = 0;
  uint32_t refused = 0;
  for (uint32_t round = 0; round < 60'000; round++) {
    Batch& batch = draw(2) == 0 ? first : second;
    auto* const words = reinterpret_cast<uint32_t*>(batch.share()->base() + batch.layout().requests);
    const uint32_t count = draw(5);
    for (uint32_t i = 0; i < count * 16; i++)
      words[i] = draw(12) == 0 ? odd[draw(9)] : i % 16 == 0 ? draw(25) : i % 16 == 6 ? draw(5) * 8 : draw(3) * 8 * draw(2);
    for (uint32_t i = 0; i < count; i++) words[16 * i + 1] = draw(20) == 0 ? odd[draw(9)] : draw(3);
    (turn(batch, count) < 0 ? refused : taken)++;
  }
  CHECK(taken > 1'000 && refused > 1'000);
}
