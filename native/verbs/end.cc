#include "options.h"

#if __has_include(<infiniband/verbs.h>)

#include <arpa/inet.h>

#include <algorithm>
#include <bit>

#include "../memory/clock.h"
#include "end.h"

namespace aviary {

namespace {

Status statusOf(ibv_wc_status status, const std::string& end) {
  switch (status) {
    case IBV_WC_SUCCESS:
      return Status::ok;
    case IBV_WC_WR_FLUSH_ERR:
      return Status::flushed;
    case IBV_WC_REM_ACCESS_ERR:
      return Status::remoteAccess;
    case IBV_WC_REM_INV_REQ_ERR:
    case IBV_WC_REM_OP_ERR:
      return Status::remoteInvalidRequest;
    case IBV_WC_RETRY_EXC_ERR:
      return Status::retryExceeded;
    case IBV_WC_RNR_RETRY_EXC_ERR:
      return Status::receiverNotReady;
    default:
      // Local errors: this node has asked for what it may not, or the device is broken.
      throw NativeError("ERR_VERBS", "a request on " + end + " failed here: " + verbs().statusText(status));
  }
}

uint32_t bufferStride(const VerbsOptions& options) { return (options.messageBytes + 63) / 64 * 64; }

ibv_wr_opcode opcodeOf(Operation operation) {
  switch (operation) {
    case Operation::write:
      return IBV_WR_RDMA_WRITE;
    case Operation::writeImmediate:
      return IBV_WR_RDMA_WRITE_WITH_IMM;
    case Operation::read:
      return IBV_WR_RDMA_READ;
    case Operation::compareSwap:
      return IBV_WR_ATOMIC_CMP_AND_SWP;
    case Operation::fetchAdd:
      return IBV_WR_ATOMIC_FETCH_AND_ADD;
    case Operation::send:
      break;
  }
  return IBV_WR_SEND;
}

}  // namespace

size_t VerbsEnd::bufferBytes(const VerbsOptions& options) {
  return size_t{std::bit_ceil(options.sendQueueDepth)} * captureBytes(options) +
         size_t{options.receiveQueueDepth} * bufferStride(options);
}

VerbsEnd::VerbsEnd(const Endpoint& endpoint, const VerbsOptions& options, uint32_t peer, uint32_t pair, size_t buffersAt)
    : endpoint_(endpoint),
      options_(options),
      peer_(peer),
      pair_(pair),
      index_(peer * options.pairsPerPeer + pair),
      buffersAt_(buffersAt),
      slots_(std::bit_ceil(options.sendQueueDepth)),
      mask_(std::bit_ceil(options.sendQueueDepth) - 1) {
  for (QueuePairObject& lane : lanes_) {
    ibv_qp_init_attr attributes{};
    attributes.send_cq = attributes.recv_cq = endpoint.queue->get();
    attributes.qp_type = IBV_QPT_RC;
    attributes.cap.max_send_wr = options.sendQueueDepth;
    attributes.cap.max_recv_wr = std::max(1u, options.receiveQueueDepth);
    attributes.cap.max_send_sge = attributes.cap.max_recv_sge = 1;
    // The device grants what it has; longer payloads go through a buffer.
    ibv_qp* made = nullptr;
    for (uint32_t wanted = std::min(captureBytes(options), 512u); made == nullptr; wanted /= 2) {
      attributes.cap.max_inline_data = wanted;
      made = verbs().createQp(endpoint.domain->get(), &attributes);
      if (made == nullptr && (wanted == 0 || errno == ENOMEM || errno == EPERM)) break;
    }
    auto origin = std::make_shared<std::pair<Domain, std::shared_ptr<const Owned<ibv_cq>>>>(endpoint.domain,
                                                                                           endpoint.queue->share());
    lane = QueuePairObject(made, verbs().destroyQp, std::move(origin), "ibv_create_qp", name());
    inlineBytesMax_ = attributes.cap.max_inline_data;
  }
  rights_ = options.initialRights;
  if (!options.isRestarted) state_ = EndState::readyToSend;
}

std::string VerbsEnd::name() const {
  return "queue pair " + std::to_string(pair_) + " to node " + std::to_string(peer_);
}

// ---- requests

Misuse VerbsEnd::post(const Request& request, const PeerAddress* address) {
  if (static_cast<uint32_t>(state_) < static_cast<uint32_t>(EndState::readyToSend)) return Misuse::notReady;
  if (tail_ - head_ == options_.sendQueueDepth) return Misuse::queueFull;
  slots_[tail_ & mask_] = {request.token, (request.flags & Flag::signaled) != 0};
  if (!isDevice() || isHeld_) {
    hold();
    tail_++;
    return Misuse::none;
  }
  ibv_sge piece{};
  ibv_send_wr work{};
  work.wr_id = WorkId{index_, life_, tail_}.pack(false);
  work.opcode = opcodeOf(request.operation);
  work.sg_list = &piece;
  work.num_sge = 1;
  if ((request.flags & Flag::signaled) != 0) work.send_flags |= IBV_SEND_SIGNALED;
  if ((request.flags & Flag::fence) != 0) work.send_flags |= IBV_SEND_FENCE;
  piece.length = request.length;
  if (request.payload == nullptr) {
    piece.addr = reinterpret_cast<uint64_t>(endpoint_.memory + endpoint_.regions[request.local.region].offset +
                                            request.local.offset);
    piece.lkey = endpoint_.localKey;
  } else if (request.length <= inlineBytesMax_) {
    piece.addr = reinterpret_cast<uint64_t>(request.payload);
    work.send_flags |= IBV_SEND_INLINE;
  } else {
    std::byte* const captured =
        endpoint_.buffers + buffersAt_ + size_t{tail_ & mask_} * captureBytes(options_);
    std::memcpy(captured, request.payload, request.length);
    piece.addr = reinterpret_cast<uint64_t>(captured);
    piece.lkey = endpoint_.buffersKey;
  }
  // What the peer has not told of is asked for all the same, under a key that is nobody's: it is for the peer to refuse.
  const bool isKnown = address != nullptr && request.remote.region < address->header.regionCount &&
                       address->regions[request.remote.region].registration == request.key;
  const RegionAddress nowhere{};
  const RegionAddress& target = isKnown ? address->regions[request.remote.region] : nowhere;
  if (request.operation == Operation::compareSwap || request.operation == Operation::fetchAdd) {
    work.wr.atomic.remote_addr = target.base + request.remote.offset;
    work.wr.atomic.rkey = target.remoteKey;
    work.wr.atomic.compare_add = request.operand;
    work.wr.atomic.swap = request.desired;
  } else if (request.operation != Operation::send) {
    work.wr.rdma.remote_addr = target.base + request.remote.offset;
    work.wr.rdma.rkey = target.remoteKey;
    // In network order, as both ends of different machines agree on it.
    work.imm_data = ::htonl(request.immediate);
  }
  ibv_send_wr* refused = nullptr;
  const int failed = ibv_post_send(attached_, &work, &refused);
  if (failed == ENOMEM) return Misuse::queueFull;
  // Some libraries look at what others leave to the peer.
  if (failed == EINVAL && request.remote.offset % 8 != 0) return Misuse::alignment;
  if (failed != 0) throw verbsError("ibv_post_send", name(), failed);
  tail_++;
  return Misuse::none;
}

void VerbsEnd::hold() {
  if (!isHeld_) heldSinceNanos_ = monotonicNanos();
  isHeld_ = true;
}

void VerbsEnd::tend(CompletionSink& sink, uint64_t nowNanos) {
  if (!isHeld_) return;
  if (state_ == EndState::drained && !hasHeldFailed_) return;
  const bool isFirst = state_ != EndState::error;
  if (isFirst && nowNanos < heldSinceNanos_ + endpoint_.retryNanos) return;
  if (!sink.hasRoom()) return;
  state_ = EndState::error;
  while (head_ != tail_ && sink.hasRoom()) {
    const Status status = isFirst && !hasHeldFailed_ ? Status::retryExceeded : Status::flushed;
    hasHeldFailed_ = true;
    sink.next() = {CompletionKind::request, index_, slots_[head_ & mask_].token, status, 0, 0, 0, 0};
    head_++;
  }
  if (head_ == tail_) isHeld_ = hasHeldFailed_ = false;
}

bool VerbsEnd::take(const ibv_wc& completion, CompletionSink& sink) {
  const WorkId id = WorkId::unpack(completion.wr_id);
  if (id.life != (life_ & WorkId::lifeMask)) return true;
  if ((completion.wr_id & WorkId::receive) != 0) return takeReceived(completion, sink);
  if (!sink.hasRoom()) return false;
  const Status status = statusOf(completion.status, name());
  sink.next() = {CompletionKind::request, index_, slots_[id.ordinal & mask_].token, status, 0, 0, 0, 0};
  head_ = id.ordinal + 1;
  if (status != Status::ok) state_ = EndState::error;
  return true;
}

bool VerbsEnd::takeReceived(const ibv_wc& completion, CompletionSink& sink) {
  if (completion.status != IBV_WC_SUCCESS) {
    // Flushed: the peer was refused, or this end was moved to ERR.
    state_ = EndState::error;
    return true;
  }
  const bool isNotice = completion.opcode == IBV_WC_RECV_RDMA_WITH_IMM;
  // For a notice the device counts the bytes that were written.
  const uint32_t length = isNotice ? 0 : completion.byte_len;
  const uint32_t padded = (length + 7) / 8 * 8;
  if (!sink.hasRoom(padded)) return false;
  const uint32_t buffer = WorkId::unpack(completion.wr_id).ordinal;
  const std::byte* const from = endpoint_.buffers + buffersAt_ +
                                size_t{std::bit_ceil(options_.sendQueueDepth)} * captureBytes(options_) +
                                size_t{buffer} * bufferStride(options_);
  const uint32_t at = sink.arenaUsed;
  std::memcpy(sink.arena.data() + at, from, length);
  sink.arenaUsed += padded;
  const uint32_t immediate = isNotice ? ::ntohl(completion.imm_data) : 0;
  sink.next() = {isNotice ? CompletionKind::notice : CompletionKind::message, index_, 0, Status::ok, at, length,
                 immediate, 0};
  if (isDevice() && state_ != EndState::error) postReceive(buffer);
  return true;
}

void VerbsEnd::postReceive(uint32_t buffer) {
  ibv_sge piece{};
  const size_t at = buffersAt_ + size_t{std::bit_ceil(options_.sendQueueDepth)} * captureBytes(options_) +
                    size_t{buffer} * bufferStride(options_);
  piece.addr = reinterpret_cast<uint64_t>(endpoint_.buffers + at);
  piece.length = options_.messageBytes;
  piece.lkey = endpoint_.buffersKey;
  ibv_recv_wr work{};
  work.wr_id = WorkId{index_, life_, buffer}.pack(true);
  work.sg_list = &piece;
  // Notices need a buffer without bytes.
  work.num_sge = options_.messageBytes > 0 ? 1 : 0;
  ibv_recv_wr* refused = nullptr;
  const int failed = ibv_post_recv(attached_, &work, &refused);
  // In ERR some devices refuse what others flush.
  if (failed != 0 && failed != EINVAL) throw verbsError("ibv_post_recv", name(), failed);
}

// ---- states

EndState VerbsEnd::state() const {
  const bool mayHaveFailed = isDevice() && (state_ == EndState::readyToReceive || state_ == EndState::readyToSend ||
                                            state_ == EndState::drained);
  if (!mayHaveFailed) return state_;
  ibv_qp_attr attributes{};
  ibv_qp_init_attr initial{};
  const int failed = verbs().queryQp(attached_, &attributes, IBV_QP_STATE, &initial);
  if (failed != 0) throw verbsError("ibv_query_qp", name(), failed);
  return attributes.qp_state == IBV_QPS_ERR ? EndState::error : state_;
}

int VerbsEnd::accessFlags() const {
  return IBV_ACCESS_LOCAL_WRITE | ((rights_ & Right::write) != 0 ? IBV_ACCESS_REMOTE_WRITE : 0) |
         ((rights_ & Right::read) != 0 ? IBV_ACCESS_REMOTE_READ : 0) |
         ((rights_ & Right::atomic) != 0 ? IBV_ACCESS_REMOTE_ATOMIC : 0);
}

/// False when the device refuses because the queue pair is in ERR by now.
bool VerbsEnd::modify(ibv_qp_attr& attributes, int mask, const char* to) {
  const int failed = verbs().modifyQp(attached_, &attributes, mask);
  if (failed == 0) return true;
  if (failed == EINVAL && state() == EndState::error) {
    state_ = EndState::error;
    return false;
  }
  throw verbsError(std::string("ibv_modify_qp to ") + to, name(), failed);
}

bool VerbsEnd::toReceive(const PeerAddress& address) {
  attached_ = lanes_[laneOf(connection_)].get();
  ibv_qp_attr init{};
  init.qp_state = IBV_QPS_INIT;
  init.port_num = endpoint_.port.number;
  init.qp_access_flags = static_cast<unsigned>(accessFlags());
  modify(init, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS, "INIT");
  for (uint32_t buffer = 0; buffer < options_.receiveQueueDepth; buffer++) postReceive(buffer);
  ibv_qp_attr ready{};
  ready.qp_state = IBV_QPS_RTR;
  ready.path_mtu = std::min(endpoint_.port.attributes.active_mtu, static_cast<ibv_mtu>(address.header.mtu));
  ready.dest_qp_num = address.queuePairs[pair_ * lanes + laneOf(connection_)];
  ready.rq_psn = firstSequence(address.header.boot, endpoint_.boot, peer_, pair_, connection_);
  ready.max_dest_rd_atomic = static_cast<uint8_t>(std::min(16, endpoint_.port.limits.max_qp_rd_atom));
  firstSent_ = firstSequence(endpoint_.boot, address.header.boot, options_.self, pair_, connection_);
  // 0.64 ms between two looks for a receive buffer.
  ready.min_rnr_timer = 12;
  ibv_gid gid;
  std::memcpy(gid.raw, address.header.gid, sizeof gid.raw);
  ready.ah_attr = endpoint_.port.addressOf(static_cast<uint16_t>(address.header.lid), gid);
  return modify(ready,
                IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
                    IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER,
                "RTR");
}

bool VerbsEnd::toSend() {
  ibv_qp_attr ready{};
  ready.qp_state = IBV_QPS_RTS;
  ready.timeout = endpoint_.timeout;
  ready.retry_cnt = static_cast<uint8_t>(options_.retryCount);
  // 7 is for ever here, and means the same everywhere.
  ready.rnr_retry = options_.receiverRetriesFinite ? 3 : 7;
  ready.sq_psn = firstSent_;
  ready.max_rd_atomic = static_cast<uint8_t>(std::min(16, endpoint_.port.limits.max_qp_init_rd_atom));
  return modify(ready,
                IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
                    IBV_QP_MAX_QP_RD_ATOMIC,
                "RTS");
}

bool VerbsEnd::toState(ibv_qp_state state) {
  ibv_qp_attr attributes{};
  attributes.qp_state = state;
  return modify(attributes, IBV_QP_STATE, state == IBV_QPS_SQD ? "SQD" : state == IBV_QPS_ERR ? "ERR" : "RTS");
}

}  // namespace aviary

#endif
