// Control calls of the shm fabric: changes of ends and registrations, their finality, and moving the memory.
#include <algorithm>

#include "shm_fabric.h"

namespace aviary {

Misuse ShmFabric::control(uint32_t queuePair, Control change, uint32_t argument, uint32_t token) {
  QueuePair* found = queuePairAt(queuePair);
  if (found == nullptr) return Misuse::queuePair;
  const bool isRights = change == Control::rights;
  if (static_cast<uint32_t>(change) > static_cast<uint32_t>(Control::error) || (isRights && argument > Right::all))
    return Misuse::control;
  ControlCall& call = controls_[queuePair];
  if (call.isActive) return Misuse::controlBusy;
  call.isActive = true;
  call.change = change;
  call.argument = argument;
  call.token = token;
  controlsActive_++;
  call.quiescence.begin(monotonicNanos());
  begin(call, *found);
  return Misuse::none;
}

void ShmFabric::begin(ControlCall& call, QueuePair& queuePair) {
  Link& link = queuePair.link();
  const uint32_t pair = queuePair.pair();
  if (!isLegal(link.ownEnd(pair).state, call.change)) {
    call.status = Status::invalidTransition;
    return;
  }
  call.status = Status::ok;
  bool takesAway = true;
  link.changeOwnEnd(pair, [&](EndWord& own) {
    switch (call.change) {
      case Control::rights:
        takesAway = (own.rights & ~call.argument) != 0;
        own.rights = call.argument;
        break;
      case Control::reset:
      case Control::connect:
        own = {EndState::reset, 0, 0, own.session + 1};
        break;
      case Control::init:
        own.state = EndState::init;
        own.rights = options_.initialRights;
        takesAway = false;
        break;
      case Control::readyToReceive:
        own.state = EndState::readyToReceive;
        own.connection = call.argument;
        takesAway = false;
        break;
      case Control::readyToSend:
      case Control::drain:
        if (own.state != EndState::error)
          own.state = call.change == Control::drain ? EndState::drained : EndState::readyToSend;
        takesAway = false;
        break;
      case Control::error:
        own.state = EndState::error;
        break;
    }
  });
  if (call.change == Control::reset || call.change == Control::connect) queuePair.drop();
  if (call.change == Control::error) queuePair.flush();
  if (takesAway) call.quiescence.add(link.own.end(pair));
}

void ShmFabric::finish(const ControlCall& call, QueuePair& queuePair) {
  if (call.change != Control::connect) return;
  queuePair.link().changeOwnEnd(queuePair.pair(), [&](EndWord& own) {
    own = {EndState::readyToSend, options_.initialRights, call.argument, own.session};
  });
}

Misuse ShmFabric::protect(uint32_t region, uint32_t rights, uint32_t token) {
  if (region >= segment_.regions().size()) return Misuse::region;
  if (rights > Right::all) return Misuse::control;
  if (protect_.isActive) return Misuse::controlBusy;
  protect_.isActive = true;
  protect_.token = token;
  controlsActive_++;
  protect_.quiescence.begin(monotonicNanos());
  for (const auto& link : links_) {
    if (link == nullptr) continue;
    auto& registration = link->own.header().registration[region];
    const uint64_t key = ((registration.load() >> 32) + 1) & 0xffff;
    registration.store(key << 32 | rights, std::memory_order_seq_cst);
    for (uint32_t pair = 0; pair < geometry_.pairs; pair++) protect_.quiescence.add(link->own.end(pair));
  }
  return Misuse::none;
}

/// Whether a revocation is final; sees to it that it becomes so.
bool ShmFabric::isQuiet(Quiescence& quiescence) {
  if (quiescence.isOver()) return true;
  if (!isMoving_ && monotonicNanos() > quiescence.sinceNanos() + uint64_t{options_.graceMicros} * 1000)
    startMove();
  return false;
}

void ShmFabric::deliverControls(CompletionSink& sink) {
  if (controlsActive_ == 0 && !isMoving_) return;
  for (uint32_t name = 0; name < controls_.size(); name++) {
    ControlCall& call = controls_[name];
    if (!call.isActive || !isQuiet(call.quiescence) || !sink.hasRoom()) continue;
    finish(call, *queuePairs_[name]);
    call.isActive = false;
    controlsActive_--;
    sink.next() = {CompletionKind::control, name, call.token, call.status, 0, 0, 0, 0};
  }
  if (protect_.isActive && isQuiet(protect_.quiescence) && sink.hasRoom()) {
    protect_.isActive = false;
    controlsActive_--;
    sink.next() = {CompletionKind::control, noQueuePair, protect_.token, Status::ok, 0, 0, 0, 0};
  }
  if (isMoving_) moveMemory();
}

// ---- moving the memory

void ShmFabric::setGeneration(uint32_t generation) {
  generation_ = generation;
  for (const auto& link : links_)
    if (link != nullptr) link->own.header().generation.store(generation, std::memory_order_seq_cst);
  if (links_[options_.self] != nullptr) links_[options_.self]->memory.generation = generation;
}

void ShmFabric::startMove() {
  isMoving_ = true;
  setGeneration(generation_ + Generation::keepingOut);
  others_.begin(monotonicNanos());
  for (const auto& link : links_)
    if (link != nullptr)
      for (uint32_t pair = 0; pair < geometry_.pairs; pair++)
        if (!isAwaited(link->own.end(pair))) others_.add(link->own.end(pair));
}

/// Whether a revocation has waited for a packet of this end already.
bool ShmFabric::isAwaited(const SharedEnd& end) const {
  bool isAwaited = protect_.isActive && protect_.quiescence.awaits(end);
  for (const ControlCall& call : controls_) isAwaited |= call.isActive && call.quiescence.awaits(end);
  return isAwaited;
}

bool ShmFabric::isMoveNeeded() {
  bool isNeeded = protect_.isActive && !protect_.quiescence.isOver();
  for (ControlCall& call : controls_) isNeeded |= call.isActive && !call.quiescence.isOver();
  return isNeeded;
}

void ShmFabric::moveMemory() {
  if (!isMoveNeeded()) {
    // The writer went on after all. Nothing has moved, so the old number is right again.
    isMoving_ = false;
    return setGeneration(generation_ - Generation::keepingOut);
  }
  if (!others_.isOver() && monotonicNanos() < others_.sinceNanos() + uint64_t{options_.graceMicros} * 1000) return;
  const uint32_t stable = generation_ - Generation::keepingOut;
  setGeneration(stable + Generation::copying);
  try {
    segment_.relocate();
  } catch (const NativeError&) {
    // Nothing has moved; what was stored meanwhile is judged anew by those who stored it. It is tried again.
    setGeneration(stable + Generation::keepingOut);
    throw;
  }
  relocations_++;
  isMoving_ = false;
  setGeneration(stable + Generation::next);
  // Whoever is still in the middle of a packet is so in memory that nobody reads.
  for (ControlCall& call : controls_) call.quiescence.end();
  protect_.quiescence.end();
  for (uint32_t peer = 0; peer < options_.nodes; peer++)
    if (links_[peer] != nullptr && links_[peer]->isConnected && peer != options_.self)
      isUntold_[peer] = !rendezvous_->tellMoved(peer, {0, generation_, segment_.bytes()}, segment_.fd());
}

// ---- peers that come and go

Hello ShmFabric::introduce(uint32_t peer, int& pageFd, int& segmentFd) {
  Link& link = *links_[peer];
  forgetPackets(link);
  link.renewOwnPage();
  std::fill_n(seenBusy_.begin() + peer * geometry_.pairs, geometry_.pairs, 0);
  pageFd = link.ownPageFd.get();
  segmentFd = segment_.fd();
  Hello hello{};
  hello.node = options_.self;
  hello.nodes = options_.nodes;
  hello.pairs = geometry_.pairs;
  hello.receiveDepth = geometry_.receiveDepth;
  hello.messageBytes = geometry_.messageBytes;
  // While the memory moves this is the number it had; the peer hears of the new one afterwards.
  hello.generation = generation_ / Generation::next * Generation::next;
  hello.regionCount = static_cast<uint32_t>(segment_.regions().size());
  hello.segmentBytes = segment_.bytes();
  std::copy(segment_.regions().begin(), segment_.regions().end(), hello.regions);
  return hello;
}

bool ShmFabric::met(uint32_t peer, const Hello& hello, UniqueFd page, UniqueFd segment) {
  bool fits = hello.nodes == options_.nodes && hello.pairs == geometry_.pairs &&
              hello.receiveDepth == geometry_.receiveDepth && hello.messageBytes == geometry_.messageBytes &&
              hello.regionCount <= regionsMax && hello.segmentBytes <= UINT32_MAX &&
              isSealedMemory(page.get(), geometry_.pageBytes()) && isSealedMemory(segment.get(), hello.segmentBytes);
  for (uint32_t i = 0; fits && i < hello.regionCount; i++)
    fits = hello.regions[i].offset % 8 == 0 &&
           uint64_t{hello.regions[i].offset} + hello.regions[i].bytes <= hello.segmentBytes;
  isIncompatible_[peer] = !fits;
  if (!fits) return false;
  PeerMemory memory;
  memory.page = Mapping::shared(page.get(), roundUpToPages(geometry_.pageBytes()));
  memory.segment = Mapping::shared(segment.get(), hello.segmentBytes);
  memory.generation = hello.generation;
  memory.regionCount = hello.regionCount;
  std::copy(hello.regions, hello.regions + hello.regionCount, memory.regions);
  links_[peer]->connectTo(std::move(memory));
  return true;
}

bool ShmFabric::moved(uint32_t peer, const Moved& moved, UniqueFd segment) {
  Link& link = *links_[peer];
  if (moved.segmentBytes != link.memory.segment.bytes() || !isSealedMemory(segment.get(), moved.segmentBytes))
    return false;
  link.memory.segment = Mapping::shared(segment.get(), moved.segmentBytes);
  link.memory.generation = moved.generation;
  link.remoteBase = link.memory.segment.base();
  return true;
}

void ShmFabric::lost(uint32_t peer) {
  Link& link = *links_[peer];
  link.disconnect();
  isUntold_[peer] = false;
  forgetPackets(link);
}

/// The process behind a link is past its last store.
void ShmFabric::forgetPackets(const Link& link) {
  for (ControlCall& call : controls_) call.quiescence.forget(link.own, geometry_.pairs);
  protect_.quiescence.forget(link.own, geometry_.pairs);
  others_.forget(link.own, geometry_.pairs);
}

}  // namespace aviary
