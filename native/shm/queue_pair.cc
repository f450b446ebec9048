#include "queue_pair.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "../memory/words.h"

namespace aviary {

namespace {

bool isAtomic(Operation operation) {
  return operation == Operation::compareSwap || operation == Operation::fetchAdd;
}
bool isWrite(Operation operation) {
  return operation == Operation::write || operation == Operation::writeImmediate;
}
uint32_t rightNeeded(Operation operation) {
  return isWrite(operation) ? Right::write : isAtomic(operation) ? Right::atomic : Right::read;
}

/// Announces a packet for the time of its life. What is looked at afterwards is loaded in the same total order
/// (seq_cst, which costs nothing on x86): either this sees the owner's change, or the owner sees this.
class Announcement {
 public:
  Announcement(SharedEnd& end, uint32_t& counter) : end_(end), counter_(counter) {
    end_.busy.store(++counter_, std::memory_order_seq_cst);
  }
  ~Announcement() { end_.busy.store(++counter_, std::memory_order_release); }

 private:
  SharedEnd& end_;
  uint32_t& counter_;
};

}  // namespace

QueuePair::QueuePair(Link& link, uint32_t pair, uint32_t name, const QueuePairOptions& options,
                     std::byte* ownMemory, std::byte* inlineArena)
    : link_(link),
      pair_(pair),
      name_(name),
      options_(options),
      ownMemory_(ownMemory),
      inlineArena_(inlineArena),
      slots_(std::bit_ceil(options.depth)),
      mask_(std::bit_ceil(options.depth) - 1) {}

Misuse QueuePair::post(const Request& request) {
  if (static_cast<uint32_t>(end().state) < static_cast<uint32_t>(EndState::readyToSend)) return Misuse::notReady;
  if (tail_ - head_ == options_.depth) return Misuse::queueFull;
  Slot& fresh = slot(tail_);
  fresh.request = request;
  fresh.phase = Phase::posted;
  fresh.status = Status::ok;
  fresh.done = 0;
  fresh.answer = 0;
  if (request.payload != nullptr) {
    std::byte* captured = inlineArena_ + size_t{tail_ & mask_} * options_.inlineBytes;
    std::memcpy(captured, request.payload, request.length);
    fresh.request.payload = captured;
  }
  tail_++;
  return Misuse::none;
}

void QueuePair::advance() {
  const EndWord own = end();
  if (own.state == EndState::error) return flush();
  if (own.state != EndState::readyToSend && own.state != EndState::drained) return;
  const uint32_t before = next_;
  Verdict verdict = Verdict::done;
  while (next_ != tail_) {
    Slot& each = slot(next_);
    if (own.state == EndState::drained && each.done == 0) break;
    const uint32_t doneBefore = each.done;
    verdict = execute(each);
    if (each.done != doneBefore) deadlineNanos_ = 0;
    if (verdict != Verdict::done) break;
    each.phase = Phase::executed;
    next_++;
  }
  if (next_ != before) deadlineNanos_ = 0;
  acknowledge();
  if (verdict == Verdict::refused && !losesAnswers_) return fail(next_, refusal_);
  if (verdict == Verdict::ambiguous) return fail(next_, Status::retryExceeded);
  if (verdict == Verdict::noBuffer && !losesAnswers_)
    return waitFor(Status::receiverNotReady, !options_.receiverRetriesFinite);
  // Nothing is under way, or only what a drained queue has not begun.
  const bool isWaiting = acknowledged_ != next_ || (next_ != tail_ && verdict != Verdict::done);
  if (isWaiting) waitFor(Status::retryExceeded, false);
}

void QueuePair::waitFor(Status status, bool isForever) {
  if (isForever) return;
  const uint64_t now = monotonicNanos();
  if (deadlineNanos_ == 0)
    deadlineNanos_ = now + options_.retryNanos;
  else if (now >= deadlineNanos_)
    fail(acknowledged_, status);
}

QueuePair::Verdict QueuePair::execute(Slot& each) {
  if (!link_.isConnected || losesRequests_) return Verdict::silent;
  SharedEnd& peerEnd = link_.remote.end(pair_);
  while (each.done < each.request.length) {
    const Verdict verdict = executePacket(each, peerEnd);
    if (verdict != Verdict::done) return verdict;
  }
  return each.request.operation == Operation::writeImmediate ? executeNotice(each, peerEnd) : Verdict::done;
}

/// The notice of a WRITE with immediate, when all its bytes are known to be where the owner reads them.
QueuePair::Verdict QueuePair::executeNotice(Slot& each, SharedEnd& peerEnd) {
  Announcement announcement(peerEnd, busy_);
  const EndWord seen = EndWord::unpack(peerEnd.word.load(std::memory_order_seq_cst));
  if (!seen.serves() || seen.connection != end().connection) return Verdict::silent;
  return arrive(each, peerEnd, seen);
}

/// What the responder makes of a packet: `done` when it would accept it. Sets where it goes.
QueuePair::Verdict QueuePair::look(const Slot& each, const EndWord& seen, std::byte*& target) {
  const Request& request = each.request;
  if (!seen.serves() || seen.connection != end().connection) return Verdict::silent;
  if (request.operation == Operation::send) return Verdict::done;
  const SharedHeader& header = link_.remote.header();
  if (header.generation.load(std::memory_order_seq_cst) != link_.memory.generation) return Verdict::waiting;
  const uint32_t needed = rightNeeded(request.operation);
  if ((seen.rights & needed) == 0 || (isAtomic(request.operation) && request.remote.offset % 8 != 0)) {
    refusal_ = Status::remoteInvalidRequest;
    return Verdict::refused;
  }
  refusal_ = Status::remoteAccess;
  if (request.remote.region >= link_.memory.regionCount) return Verdict::refused;
  const Region& region = link_.memory.regions[request.remote.region];
  const uint64_t registration = header.registration[request.remote.region].load(std::memory_order_seq_cst);
  if (uint64_t{request.remote.offset} + request.length > region.bytes || registration >> 32 != request.key ||
      (registration & needed) == 0)
    return Verdict::refused;
  target = link_.remoteBase + region.offset + request.remote.offset;
  return Verdict::done;
}

QueuePair::Verdict QueuePair::executePacket(Slot& each, SharedEnd& peerEnd) {
  const Request& request = each.request;
  Announcement announcement(peerEnd, busy_);
  const EndWord seen = EndWord::unpack(peerEnd.word.load(std::memory_order_seq_cst));
  std::byte* target = nullptr;
  const Verdict verdict = look(each, seen, target);
  if (verdict == Verdict::refused) failEnd(peerEnd.word, seen);
  // A READ is nothing that the peer could find, unless it is refused.
  hasChangedPeer_ |= verdict == Verdict::refused || (verdict == Verdict::done && request.operation != Operation::read);
  if (verdict != Verdict::done) return verdict;

  if (request.operation == Operation::send) return arrive(each, peerEnd, seen);
  if (isAtomic(request.operation)) {
    std::atomic_ref<uint64_t> word(*reinterpret_cast<uint64_t*>(target));
    if (request.operation == Operation::fetchAdd) {
      each.answer = word.fetch_add(request.operand);
    } else {
      each.answer = request.operand;
      word.compare_exchange_strong(each.answer, request.desired);
    }
    if (!hasStayed()) return Verdict::ambiguous;
    each.done = request.length;
    return Verdict::done;
  }

  const uint32_t bytes = std::min(request.length - each.done, options_.packetBytes);
  const bool isLast = each.done + bytes == request.length;
  if (request.operation == Operation::read) {
    // Without an answer nothing lands; it is executed again when there can be one.
    if (losesAnswers_) return Verdict::silent;
    copyWordsAcross(ownMemory_ + request.local.offset + each.done, target + each.done, bytes);
  } else {
    if (request.operation == Operation::writeImmediate && isLast && !hasBuffer(peerEnd)) return Verdict::noBuffer;
    if (request.payload != nullptr)
      copyWordsOut(target + each.done, request.payload + each.done, bytes);
    else
      copyWordsAcross(target + each.done, ownMemory_ + request.local.offset + each.done, bytes);
  }
  // Moved meanwhile: this packet may be in memory that nobody reads any more. It is judged and executed again.
  if (!hasStayed()) return Verdict::waiting;
  each.done += bytes;
  return Verdict::done;
}

/// Whether what was just stored is where the owner reads: the copy to other memory has not begun. Asked while the packet is
/// announced still, since the owner may begin as soon as it is not.
bool QueuePair::hasStayed() const {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const uint32_t generation = link_.remote.header().generation.load(std::memory_order_seq_cst);
  return generation - link_.memory.generation <= Generation::keepingOut;
}

bool QueuePair::hasBuffer(const SharedEnd& peerEnd) const {
  const uint32_t held =
      peerEnd.received.load(std::memory_order_relaxed) - peerEnd.taken.load(std::memory_order_acquire);
  return held < link_.receiveDepth();
}

/// A message, or a notice, takes a receive buffer. The session tells the owner if it has reset its end meanwhile.
QueuePair::Verdict QueuePair::arrive(Slot& each, SharedEnd& peerEnd, const EndWord& seen) {
  const Request& request = each.request;
  if (!hasBuffer(peerEnd)) return Verdict::noBuffer;
  const bool isNotice = request.operation == Operation::writeImmediate;
  const uint32_t ordinal = peerEnd.received.load(std::memory_order_relaxed);
  std::byte* buffer = link_.remote.slot(pair_, ordinal);
  const MessageHeader header{seen.session, isNotice ? 1u : 0u, isNotice ? 0u : request.length, request.immediate};
  std::memcpy(buffer, &header, sizeof header);
  if (!isNotice) std::memcpy(buffer + sizeof header, request.payload, request.length);
  peerEnd.received.store(ordinal + 1, std::memory_order_release);
  hasChangedPeer_ = true;
  each.done = request.length;
  return Verdict::done;
}

void QueuePair::acknowledge() {
  if (losesAnswers_) return;
  while (acknowledged_ != next_) land(slot(acknowledged_++));
}

void QueuePair::land(Slot& each) {
  if (isAtomic(each.request.operation)) storeWord(ownMemory_ + each.request.local.offset, each.answer);
}

void QueuePair::fail(uint32_t ordinal, Status status) {
  for (uint32_t k = ordinal; k != tail_; k++) {
    slot(k).phase = Phase::failed;
    slot(k).status = k == ordinal ? status : Status::flushed;
  }
  next_ = acknowledged_ = tail_;
  deadlineNanos_ = 0;
  link_.changeOwnEnd(pair_, [](EndWord& own) {
    if (own.state != EndState::reset) own.state = EndState::error;
  });
}

void QueuePair::flush() {
  if (acknowledged_ != tail_) fail(acknowledged_, Status::flushed);
}

void QueuePair::drop() {
  head_ = acknowledged_ = next_ = silent_ = tail_;
  deadlineNanos_ = 0;
}

void QueuePair::impair(bool losesRequests, bool losesAnswers) {
  losesRequests_ = losesRequests;
  losesAnswers_ = losesAnswers;
  deadlineNanos_ = 0;
}

void QueuePair::deliver(CompletionSink& sink) {
  while (silent_ != acknowledged_) {
    const Slot& each = slot(silent_);
    const bool hasFailed = each.phase == Phase::failed;
    if (hasFailed || (each.request.flags & Flag::signaled) != 0) {
      if (!sink.hasRoom()) return;
      sink.next() = {CompletionKind::request, name_, each.request.token, hasFailed ? each.status : Status::ok,
                     0, 0, 0, 0};
      head_ = silent_ + 1;
    }
    silent_++;
  }
}

}  // namespace aviary
