#include "shm_fabric.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace aviary {

namespace {

constexpr uint64_t tickNanos = 1'000'000;
constexpr uint64_t urgentTickNanos = 20'000;
constexpr uint32_t pollsBetweenClocks = 16;
/// So long after the opening peers are looked for all the time.
constexpr uint64_t openingNanos = 20'000'000;

const ShmOptions& checked(const ShmOptions& options) {
  checkOptions(options);
  requireOption(!options.cluster.empty() && options.cluster.size() <= 64, "cluster must have 1 to 64 characters");
  for (const char c : options.cluster)
    requireOption((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                      c == '.',
                  "cluster must consist of letters, digits, '-', '_' and '.'");
  requireOption(options.packetBytes % 64 == 0 && options.packetBytes >= 64 && options.packetBytes <= 1u << 16,
                "packetBytes must be a multiple of 64 from 64 to 65536");
  requireOption(options.graceMicros >= 1 && options.graceMicros <= 60'000'000, "graceMicros must be 1 to 60000000");
  return options;
}

}  // namespace

ShmFabric::ShmFabric(const ShmOptions& options)
    : options_(checked(options)),
      geometry_{options.pairsPerPeer, options.receiveQueueDepth, options.messageBytes},
      segment_(options_.regionBytes),
      queuePairs_(options.nodes * options.pairsPerPeer),
      active_((queuePairs_.size() + 63) / 64),
      controls_(queuePairs_.size()),
      protect_{false, 0, Quiescence(queuePairs_.size())},
      others_(queuePairs_.size()),
      seenBusy_(queuePairs_.size()) {
  const size_t depth = std::bit_ceil(options.sendQueueDepth);
  const size_t perPair = depth * captureBytes(options);
  inlineArenas_ = Mapping::anonymous(roundUpToPages(std::max<size_t>(1, queuePairs_.size() * perPair)));
  QueuePairOptions pairOptions{options.sendQueueDepth, captureBytes(options), options.packetBytes,
                               uint64_t{options.retryMicros} * 1000, options.receiverRetriesFinite};
  for (uint32_t peer = 0; peer < options.nodes; peer++) {
    if (peer == options.self && !options.loopback) continue;
    links_[peer] = std::make_unique<Link>(peer, geometry_);
    Link& link = *links_[peer];
    for (uint32_t region = 0; region < regionsMax; region++) link.own.header().registration[region] = Right::all;
    for (uint32_t pair = 0; pair < options.pairsPerPeer; pair++) {
      if (!options.isRestarted)
        link.own.end(pair).word = EndWord{EndState::readyToSend, options.initialRights, 0, 0}.pack();
      const uint32_t name = peer * options.pairsPerPeer + pair;
      queuePairs_[name] = std::make_unique<QueuePair>(link, pair, name, pairOptions, segment_.base(),
                                                      inlineArenas_.base() + name * perPair);
    }
    if (peer == options.self) link.connectToSelf(segment_.base(), segment_.regions());
  }
  RendezvousClient& client = *this;
  rendezvous_ = std::make_unique<Rendezvous>(options.cluster, options.self, options.nodes, client);
}

QueuePair* ShmFabric::queuePairAt(uint32_t queuePair) const {
  return queuePair < queuePairs_.size() ? queuePairs_[queuePair].get() : nullptr;
}

void ShmFabric::activate(uint32_t queuePair) { active_[queuePair / 64] |= uint64_t{1} << queuePair % 64; }

Misuse ShmFabric::post(const Request& request) {
  QueuePair* queuePair = queuePairAt(request.queuePair);
  if (queuePair == nullptr) return Misuse::queuePair;
  const Misuse refused = examine(request, options_, segment_);
  if (refused != Misuse::none) return refused;
  Request local = request;
  // From here on the offset counts from the beginning of the segment.
  if (request.payload == nullptr) local.local.offset += segment_.regions()[request.local.region].offset;
  const Misuse misuse = queuePair->post(local);
  if (misuse == Misuse::none) activate(request.queuePair);
  return misuse;
}

EndState ShmFabric::endState(uint32_t queuePair) const {
  const QueuePair* found = queuePairAt(queuePair);
  return found == nullptr ? EndState::reset : found->end().state;
}

Misuse ShmFabric::impair(uint32_t queuePair, bool losesRequests, bool losesAnswers) {
  QueuePair* found = queuePairAt(queuePair);
  if (found == nullptr) return Misuse::queuePair;
  found->impair(losesRequests, losesAnswers);
  return Misuse::none;
}

PeerState ShmFabric::peerState(uint32_t node) const {
  if (node >= options_.nodes || links_[node] == nullptr) return PeerState::absent;
  if (links_[node]->isConnected) return PeerState::connected;
  return isIncompatible_[node] ? PeerState::incompatible : PeerState::absent;
}

// ---- polling

void ShmFabric::poll(CompletionSink& sink) {
  tickIfDue();
  for (size_t word = 0; word < active_.size(); word++)
    for (uint64_t bits = active_[word]; bits != 0; bits &= bits - 1) {
      QueuePair& queuePair = *queuePairs_[word * 64 + static_cast<size_t>(std::countr_zero(bits))];
      queuePair.advance();
      if (!queuePair.takeHasChangedPeer() || !queuePair.link().takeSleepOfPeer()) continue;
      wakes_++;
      rendezvous_->wake(queuePair.link().peer);
    }
  deliverControls(sink);
  deliverRequests(sink);
  if (geometry_.receiveDepth > 0) deliverMessages(sink);
}

void ShmFabric::deliverRequests(CompletionSink& sink) {
  isUrgent_ = controlsActive_ > 0 || isMoving_;
  for (size_t word = 0; word < active_.size(); word++)
    for (uint64_t bits = active_[word]; bits != 0; bits &= bits - 1) {
      const uint64_t bit = bits & (~bits + 1);
      QueuePair& queuePair = *queuePairs_[word * 64 + static_cast<size_t>(std::countr_zero(bits))];
      queuePair.deliver(sink);
      if (queuePair.isIdle())
        active_[word] &= ~bit;
      else
        isUrgent_ = true;
    }
}

void ShmFabric::deliverMessages(CompletionSink& sink) {
  for (uint32_t peer = 0; peer < options_.nodes; peer++) {
    if (links_[peer] == nullptr) continue;
    for (uint32_t pair = 0; pair < geometry_.pairs; pair++)
      if (!deliverMessagesOf(*links_[peer], pair, sink)) return;
  }
}

/// False when there is no more room.
bool ShmFabric::deliverMessagesOf(Link& link, uint32_t pair, CompletionSink& sink) {
  SharedEnd& end = link.own.end(pair);
  uint32_t taken = end.taken.load(std::memory_order_relaxed);
  // A peer that has lost its mind cannot make this loop long.
  for (uint32_t i = 0; i < geometry_.receiveDepth && taken != end.received.load(std::memory_order_acquire); i++) {
    const std::byte* buffer = link.own.slot(pair, taken);
    MessageHeader header;
    std::memcpy(&header, buffer, sizeof header);
    // A reset ends the life of what had arrived, and of what a sender was about to leave here.
    const bool isOfThisLife = header.session == link.ownEnd(pair).session;
    if (isOfThisLife && header.length <= geometry_.messageBytes) {
      const uint32_t padded = (header.length + 7) / 8 * 8;
      if (!sink.hasRoom(padded)) return false;
      const uint32_t at = sink.arenaUsed;
      std::memcpy(sink.arena.data() + at, buffer + sizeof header, header.length);
      sink.arenaUsed += padded;
      const CompletionKind kind = header.isNotice != 0 ? CompletionKind::notice : CompletionKind::message;
      sink.next() = {kind, link.peer * geometry_.pairs + pair, 0, Status::ok, at, header.length, header.immediate, 0};
    }
    end.taken.store(++taken, std::memory_order_release);
  }
  return true;
}

void ShmFabric::tickIfDue() {
  const bool isUrgent = isUrgent_ || isMeeting_ || isTickForced_;
  if (!isUrgent && ++polls_ % pollsBetweenClocks != 0) return;
  const uint64_t now = isUrgent ? monotonicNanos() : coarseNanos();
  if (!isTickForced_ && now < tickedNanos_ + (isUrgent ? urgentTickNanos : tickNanos)) return;
  isTickForced_ = false;
  tickedNanos_ = now;
  rendezvous_->tick(now);
  isMeeting_ = rendezvous_->isMeeting() || now < openedNanos_ + openingNanos;
  for (uint32_t peer = 0; peer < options_.nodes; peer++)
    if (isUntold_[peer])
      isUntold_[peer] = !rendezvous_->tellMoved(peer, {0, generation_, segment_.bytes()}, segment_.fd());
}

}  // namespace aviary
