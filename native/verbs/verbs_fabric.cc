#include "options.h"

#if __has_include(<infiniband/verbs.h>)

#include <sys/epoll.h>
#include <sys/random.h>

#include <algorithm>

#include "../memory/clock.h"
#include "verbs_fabric.h"

namespace aviary {

namespace {

/// Between two looks at what is rare: asynchronous events, and requests to peers that are not known.
constexpr uint64_t tendNanos = 1'000'000;
constexpr uint32_t pollsBetweenClocks = 16;
/// Whoever sleeps looks again after so long, in case that a bell has overtaken what it tells of; and sooner while somebody
/// cannot ring.
constexpr uint64_t lookNanos = 2'000'000;
constexpr uint64_t lookNanosUnheard = 200'000;

const VerbsOptions& checked(const VerbsOptions& options) {
  checkOptions(options);
  requireOption(options.port.port <= 255, "port must be 0 to 255");
  requireOption(options.retryCount >= 1 && options.retryCount <= 6,
                "retryCount must be 1 to 6: soft-RoCE takes 7 for ever, and would never tell that a peer is gone");
  return options;
}

/// 4.096 µs times 2 to this power, and once more for each repetition, are at least the retry time.
uint8_t timeoutFor(const VerbsOptions& options) {
  uint8_t exponent = 8;
  while (exponent < 31 && 4096ull * (options.retryCount + 1) << exponent < uint64_t{options.retryMicros} * 1000) exponent++;
  return exponent;
}

int accessOf(uint32_t rights) {
  return IBV_ACCESS_LOCAL_WRITE | ((rights & Right::write) != 0 ? IBV_ACCESS_REMOTE_WRITE : 0) |
         ((rights & Right::read) != 0 ? IBV_ACCESS_REMOTE_READ : 0) |
         ((rights & Right::atomic) != 0 ? IBV_ACCESS_REMOTE_ATOMIC : 0);
}

}  // namespace

std::unique_ptr<Fabric> openVerbs(const VerbsOptions& options) { return std::make_unique<VerbsFabric>(options); }

VerbsFabric::VerbsFabric(const VerbsOptions& options)
    : options_(checked(options)),
      segment_(options_.regionBytes),
      ends_(options.nodes * options.pairsPerPeer),
      controls_(ends_.size()),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (!epoll_) throw NativeError("ERR_SOCKET", "epoll_create1", errno);
  endpoint_.port = openPort(options.port);
  const Port& port = endpoint_.port;
  endpoint_.domain = allocDomain(port.context, port.device);
  const uint32_t count = (options.nodes - (options.loopback ? 0 : 1)) * options.pairsPerPeer;
  const uint32_t wanted = 2 * std::max(1u, count) * (options.sendQueueDepth + std::max(1u, options.receiveQueueDepth)) +
                          256 * options.nodes;
  const auto most = static_cast<uint32_t>(std::max(1, port.limits.max_cqe));
  if (wanted / 2 > most)
    throw NativeError("ERR_OPTIONS", "sendQueueDepth and receiveQueueDepth of all queue pairs together make " +
                                         std::to_string(wanted / 2) + " completions, and device " + port.device +
                                         " has queues of " + std::to_string(most) + ": lower them");
  endpoint_.queue = std::make_unique<CompletionQueue>(port.context, std::min(wanted, most));
  endpoint_.memory = segment_.base();
  endpoint_.regions = segment_.regions();
  endpoint_.timeout = timeoutFor(options);
  endpoint_.retryNanos = uint64_t{options.retryMicros} * 1000;
  if (::getrandom(&endpoint_.boot, sizeof endpoint_.boot, 0) != sizeof endpoint_.boot)
    throw NativeError("ERR_MEMORY", "getrandom", errno);
  placesInOrder_ = queryPlacesInOrder(port, endpoint_.domain);

  const size_t perEnd = VerbsEnd::bufferBytes(options_);
  buffers_ = std::make_shared<Mapping>(
      Mapping::anonymous(roundUpToPages(std::max<size_t>(1, ends_.size() * perEnd))));
  buffersRegion_ =
      registerMemory(endpoint_.domain, buffers_->base(), buffers_->bytes(), IBV_ACCESS_LOCAL_WRITE, buffers_);
  endpoint_.buffers = buffers_->base();
  endpoint_.buffersKey = buffersRegion_->lkey;
  local_ = registerMemory(endpoint_.domain, segment_.base(), segment_.bytes(), IBV_ACCESS_LOCAL_WRITE, segment_.mapping());
  endpoint_.localKey = local_->lkey;
  for (uint32_t region = 0; region < segment_.regions().size(); region++) registerRegion(region, Right::all);

  watch(endpoint_.queue->descriptor());
  const int events = port.context->get()->async_fd;
  const int flags = ::fcntl(events, F_GETFL);
  if (flags < 0 || ::fcntl(events, F_SETFL, flags | O_NONBLOCK) != 0)
    throw NativeError("ERR_SOCKET", "fcntl of the events of device " + port.device, errno);
  watch(events);
  for (uint32_t peer = 0; peer < options.nodes; peer++) {
    if (peer == options.self && !options.loopback) continue;
    for (uint32_t pair = 0; pair < options.pairsPerPeer; pair++) {
      const uint32_t index = peer * options.pairsPerPeer + pair;
      ends_[index] = std::make_unique<VerbsEnd>(endpoint_, options_, peer, pair, index * perEnd);
    }
  }
  bells_ = std::make_unique<Bells>(endpoint_, options_);
  if (options.loopback) meet(options.self, addressFor(options.self));
}

void VerbsFabric::watch(int descriptor) {
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.fd = descriptor;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, descriptor, &wanted) != 0)
    throw NativeError("ERR_SOCKET", "epoll_ctl of device " + endpoint_.port.device, errno);
}

void VerbsFabric::registerRegion(uint32_t region, uint32_t rights) {
  const Region& at = segment_.regions()[region];
  remote_[region].reset();
  remote_[region] = registerMemory(endpoint_.domain, segment_.base() + at.offset, at.bytes, accessOf(rights),
                                   segment_.mapping());
}

VerbsEnd* VerbsFabric::endAt(uint32_t queuePair) const {
  return queuePair < ends_.size() ? ends_[queuePair].get() : nullptr;
}

const PeerAddress* VerbsFabric::addressOf(uint32_t queuePair) const {
  const Peer& peer = peers_[queuePair / options_.pairsPerPeer];
  return peer.isKnown ? &peer.address : nullptr;
}

// ---- requests and control calls

Misuse VerbsFabric::post(const Request& request) {
  VerbsEnd* const end = endAt(request.queuePair);
  if (end == nullptr) return Misuse::queuePair;
  const Misuse refused = examine(request, options_, segment_);
  if (refused != Misuse::none) return refused;
  const Misuse misuse = end->post(request, addressOf(request.queuePair));
  // A message or a notice makes an event by itself, and a READ is nothing that the peer could find.
  const bool isSilent = request.operation == Operation::write || request.operation == Operation::compareSwap ||
                        request.operation == Operation::fetchAdd;
  if (misuse == Misuse::none && isSilent) bells_->owe(request.queuePair / options_.pairsPerPeer);
  return misuse;
}

Misuse VerbsFabric::control(uint32_t queuePair, Control change, uint32_t argument, uint32_t token) {
  VerbsEnd* const end = endAt(queuePair);
  if (end == nullptr) return Misuse::queuePair;
  if (static_cast<uint32_t>(change) > static_cast<uint32_t>(Control::error) ||
      (change == Control::rights && argument > Right::all))
    return Misuse::control;
  Ended& call = controls_[queuePair];
  if (call.isWaiting) return Misuse::controlBusy;
  call = {true, token, end->change(change, argument, addressOf(queuePair))};
  controlsEnded_++;
  return Misuse::none;
}

Misuse VerbsFabric::protect(uint32_t region, uint32_t rights, uint32_t token) {
  if (region >= segment_.regions().size()) return Misuse::region;
  if (rights > Right::all) return Misuse::control;
  if (protected_.isWaiting) return Misuse::controlBusy;
  registerRegion(region, rights);
  registrations_[region] = (registrations_[region] + 1) & 0xffff;
  revision_++;
  if (options_.loopback) meet(options_.self, addressFor(options_.self));
  protected_ = {true, token, Status::ok};
  controlsEnded_++;
  return Misuse::none;
}

EndState VerbsFabric::endState(uint32_t queuePair) const {
  const VerbsEnd* const end = endAt(queuePair);
  return end == nullptr ? EndState::reset : end->state();
}

// ---- peers

PeerState VerbsFabric::peerState(uint32_t node) const {
  if (node >= options_.nodes) return PeerState::absent;
  return peers_[node].isIncompatible ? PeerState::incompatible
         : peers_[node].isKnown      ? PeerState::connected
                                     : PeerState::absent;
}

std::vector<std::byte> VerbsFabric::addressFor(uint32_t peer) const {
  if (peer >= options_.nodes || ends_[peer * options_.pairsPerPeer] == nullptr) return {};
  const Port& port = endpoint_.port;
  PeerAddress address;
  address.header = {PeerAddress::magic,
                    revision_,
                    endpoint_.boot,
                    options_.self,
                    options_.nodes,
                    options_.pairsPerPeer,
                    options_.receiveQueueDepth,
                    options_.messageBytes,
                    static_cast<uint32_t>(port.attributes.active_mtu),
                    port.attributes.lid,
                    static_cast<uint32_t>(segment_.regions().size()),
                    {},
                    0,
                    0,
                    0,
                    0,
                    0};
  bells_->describe(peer, address.header);
  std::memcpy(address.header.gid, port.gid.gid.raw, sizeof address.header.gid);
  for (uint32_t region = 0; region < segment_.regions().size(); region++) {
    const Region& at = segment_.regions()[region];
    address.regions[region] = {reinterpret_cast<uint64_t>(segment_.base() + at.offset), at.bytes, remote_[region]->rkey,
                               registrations_[region], 0};
  }
  for (uint32_t pair = 0; pair < options_.pairsPerPeer; pair++)
    for (uint32_t lane = 0; lane < lanes; lane++)
      address.queuePairs.push_back(ends_[peer * options_.pairsPerPeer + pair]->number(lane));
  return address.encode();
}

bool VerbsFabric::fits(uint32_t peer, const PeerAddress& address) const {
  const AddressHeader& header = address.header;
  return header.node == peer && header.nodes == options_.nodes && header.pairs == options_.pairsPerPeer &&
         header.receiveDepth == options_.receiveQueueDepth && header.messageBytes == options_.messageBytes &&
         header.mtu >= IBV_MTU_256 && header.mtu <= IBV_MTU_4096;
}

bool VerbsFabric::meet(uint32_t peer, std::span<const std::byte> bytes) {
  if (peer >= options_.nodes || ends_[peer * options_.pairsPerPeer] == nullptr) return false;
  std::optional<PeerAddress> address = PeerAddress::decode(bytes);
  Peer& its = peers_[peer];
  its.isIncompatible = !address || !fits(peer, *address);
  if (its.isIncompatible) return false;
  // An older address of the same process may come late.
  const bool isOlder = its.isKnown && its.address.header.boot == address->header.boot &&
                       its.address.header.revision > address->header.revision;
  if (isOlder) return true;
  its.address = std::move(*address);
  its.isKnown = true;
  bells_->meet(peer, its.address.header);
  for (uint32_t pair = 0; pair < options_.pairsPerPeer; pair++)
    ends_[peer * options_.pairsPerPeer + pair]->meet(its.address);
  return true;
}

// ---- polling

void VerbsFabric::poll(CompletionSink& sink) {
  deliverTaken(sink);
  bells_->ring();
  if (controlsEnded_ > 0) deliverControls(sink);
  if (!isTickForced_ && ++polls_ % pollsBetweenClocks != 0) return;
  const uint64_t now = coarseNanos();
  if (!isTickForced_ && now < tendedNanos_ + tendNanos) return;
  isTickForced_ = false;
  tendedNanos_ = now;
  takeAsyncEvents();
  for (uint32_t peer = 0; !bells_->areUp() && peer < options_.nodes; peer++)
    if (bells_->mend(peer, monotonicNanos())) revision_++;
  for (const auto& end : ends_)
    if (end != nullptr && end->needsTending()) end->tend(sink, monotonicNanos());
}

bool VerbsFabric::refill() {
  takenAt_ = 0;
  takenCount_ = endpoint_.queue->poll(taken_, takenAtOnce);
  return takenCount_ > 0;
}

void VerbsFabric::deliverTaken(CompletionSink& sink) {
  do {
    for (; takenAt_ < takenCount_; takenAt_++) {
      const ibv_wc& completion = taken_[takenAt_];
      const uint32_t end = WorkId::unpack(completion.wr_id).end;
      if (end >= Bells::firstEnd)
        bells_->take(completion);
      else if (!ends_[end]->take(completion, sink))
        return;
    }
  } while (refill());
}

void VerbsFabric::deliverControls(CompletionSink& sink) {
  for (uint32_t index = 0; index < controls_.size(); index++) {
    Ended& call = controls_[index];
    if (!call.isWaiting || !sink.hasRoom()) continue;
    call.isWaiting = false;
    controlsEnded_--;
    sink.next() = {CompletionKind::control, index, call.token, call.status, 0, 0, 0, 0};
  }
  if (!protected_.isWaiting || !sink.hasRoom()) return;
  protected_.isWaiting = false;
  controlsEnded_--;
  sink.next() = {CompletionKind::control, noQueuePair, protected_.token, Status::ok, 0, 0, 0, 0};
}

/// Events of queue pairs and ports say nothing that their completions do not say; the others end the node.
void VerbsFabric::takeAsyncEvents() {
  ibv_async_event event;
  while (verbs().getAsyncEvent(endpoint_.port.context->get(), &event) == 0) {
    verbs().ackAsyncEvent(&event);
    const bool isFatal = event.event_type == IBV_EVENT_CQ_ERR || event.event_type == IBV_EVENT_DEVICE_FATAL;
    if (isFatal)
      throw NativeError("ERR_VERBS", std::string("device ") + endpoint_.port.device +
                                         " reports: " + verbs().eventText(event.event_type) +
                                         "; this replica must be started again");
  }
}

// ---- sleep

void VerbsFabric::announceSleep() {
  bells_->announce();
  endpoint_.queue->arm();
  // What came before the arming makes no event; it is taken here, for the next poll.
  if (takenAt_ == takenCount_) refill();
  bells_->ring();
}

uint64_t VerbsFabric::restNanos() const {
  if (takenAt_ < takenCount_ || controlsEnded_ > 0) return 0;
  return bells_->areUp() ? lookNanos : lookNanosUnheard;
}

void VerbsFabric::endSleep(bool hasSlept) {
  if (!hasSlept) return;
  endpoint_.queue->takeEvents();
  isTickForced_ = true;
}

}  // namespace aviary

#endif
