#include "options.h"

#if __has_include(<infiniband/verbs.h>)

#include <bit>

#include "../memory/clock.h"
#include "../memory/words.h"
#include "bells.h"

namespace aviary {

namespace {

constexpr uint32_t depth = 64;
/// One of so many requests completes with an event, which frees the places of the others.
constexpr uint32_t signalEvery = 16;
/// A pair number that no end has.
constexpr uint32_t bellPair = 0xff;
constexpr uint64_t mendNanos = 500'000'000;

}  // namespace

Bells::Bells(const Endpoint& endpoint, const VerbsOptions& options)
    : endpoint_(endpoint),
      options_(options),
      cells_(std::make_shared<Mapping>(Mapping::anonymous(roundUpToPages(nodesMax * sizeof(uint64_t))))),
      region_(registerMemory(endpoint.domain, cells_->base(), cells_->bytes(),
                             IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE, cells_)),
      announcement_(endpoint.boot | 1) {
  for (uint32_t peer = 0; peer < options.nodes; peer++) {
    if (peer == options.self) continue;
    ibv_qp_init_attr wanted{};
    wanted.send_cq = wanted.recv_cq = endpoint.queue->get();
    wanted.qp_type = IBV_QPT_RC;
    wanted.cap = {depth, depth, 1, 1, sizeof(uint64_t)};
    auto origin = std::make_shared<std::pair<Domain, std::shared_ptr<const Owned<ibv_cq>>>>(endpoint.domain,
                                                                                           endpoint.queue->share());
    bells_[peer].pair = QueuePairObject(verbs().createQp(endpoint.domain->get(), &wanted), verbs().destroyQp,
                                        std::move(origin), "ibv_create_qp", "bell to node " + std::to_string(peer));
  }
}

void Bells::describe(uint32_t peer, AddressHeader& header) const {
  if (peer == options_.self) return;
  header.bellPair = bells_[peer].pair->qp_num;
  header.bellEpoch = bells_[peer].epoch;
  header.bellKey = region_->rkey;
  header.bellCells = reinterpret_cast<uint64_t>(cells_->base());
}

void Bells::meet(uint32_t peer, const AddressHeader& header) {
  if (peer == options_.self) return;
  Bell& bell = bells_[peer];
  const bool isSame = bell.isKnown && bell.peer.boot == header.boot && bell.peer.bellEpoch == header.bellEpoch;
  if (isSame) return;
  bell.peer = header;
  bell.isKnown = true;
  connect(peer);
}

void Bells::connect(uint32_t peer) {
  Bell& bell = bells_[peer];
  const auto modify = [&](ibv_qp_attr attributes, int mask) {
    const int failed = verbs().modifyQp(bell.pair.get(), &attributes, mask);
    if (failed != 0) throw verbsError("ibv_modify_qp", "bell to node " + std::to_string(peer), failed);
  };
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_RESET;
  modify(attributes, IBV_QP_STATE);
  bell.life++;
  bell.posted = bell.completed = 0;
  bell.isAnnounced = false;
  attributes.qp_state = IBV_QPS_INIT;
  attributes.port_num = endpoint_.port.number;
  attributes.qp_access_flags = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE;
  modify(attributes, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
  for (uint32_t i = 0; i < depth; i++) postReceive(peer);
  const uint32_t connection = bell.epoch + bell.peer.bellEpoch;
  ibv_gid gid;
  std::memcpy(gid.raw, bell.peer.gid, sizeof gid.raw);
  attributes.qp_state = IBV_QPS_RTR;
  attributes.path_mtu = IBV_MTU_256;
  attributes.dest_qp_num = bell.peer.bellPair;
  attributes.rq_psn = firstSequence(bell.peer.boot, endpoint_.boot, peer, bellPair, connection);
  attributes.min_rnr_timer = 12;
  attributes.ah_attr = endpoint_.port.addressOf(static_cast<uint16_t>(bell.peer.lid), gid);
  modify(attributes, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
                         IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER);
  attributes.qp_state = IBV_QPS_RTS;
  attributes.timeout = endpoint_.timeout;
  attributes.retry_cnt = static_cast<uint8_t>(options_.retryCount);
  attributes.rnr_retry = 7;
  attributes.sq_psn = firstSequence(endpoint_.boot, bell.peer.boot, options_.self, bellPair, connection);
  modify(attributes, IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN |
                         IBV_QP_MAX_QP_RD_ATOMIC);
  bell.isUp = true;
  downs_ &= ~(1u << peer);
}

void Bells::postReceive(uint32_t peer) {
  ibv_recv_wr work{};
  work.wr_id = WorkId{firstEnd + peer, bells_[peer].life, 0}.pack(true);
  ibv_recv_wr* refused = nullptr;
  const int failed = ibv_post_recv(bells_[peer].pair.get(), &work, &refused);
  if (failed != 0) throw verbsError("ibv_post_recv", "bell to node " + std::to_string(peer), failed);
}

/// False when there is no place: the sleeper looks by itself before long.
bool Bells::post(uint32_t peer, ibv_send_wr& work) {
  Bell& bell = bells_[peer];
  if (bell.posted - bell.completed == depth) return false;
  work.wr_id = WorkId{firstEnd + peer, bell.life, bell.posted}.pack(false);
  if (++bell.posted % signalEvery == 0) work.send_flags |= IBV_SEND_SIGNALED;
  work.wr.rdma.remote_addr = bell.peer.bellCells + options_.self * sizeof(uint64_t);
  work.wr.rdma.rkey = bell.peer.bellKey;
  ibv_send_wr* refused = nullptr;
  const int failed = ibv_post_send(bell.pair.get(), &work, &refused);
  if (failed != 0) throw verbsError("ibv_post_send", "bell to node " + std::to_string(peer), failed);
  return true;
}

void Bells::ring() {
  for (uint32_t bits = owing_; bits != 0; bits &= bits - 1) {
    const auto peer = static_cast<uint32_t>(std::countr_zero(bits));
    Bell& bell = bells_[peer];
    const uint64_t announced = loadWord(cells_->base() + peer * sizeof(uint64_t));
    if (bell.isUp && announced == bell.rungFor) continue;
    bell.rungFor = announced;
    ibv_send_wr work{};
    work.opcode = IBV_WR_RDMA_WRITE_WITH_IMM;
    if (bell.isUp && post(peer, work)) rings_++;
    if (!bell.isUp || --bell.owed == 0) owing_ &= ~(1u << peer);
  }
}

void Bells::announce() {
  for (uint32_t peer = 0; peer < options_.nodes; peer++) {
    Bell& bell = bells_[peer];
    if (!bell.isUp || bell.isAnnounced) continue;
    announcement_++;
    ibv_sge piece{};
    piece.addr = reinterpret_cast<uint64_t>(&announcement_);
    piece.length = sizeof announcement_;
    ibv_send_wr work{};
    work.opcode = IBV_WR_RDMA_WRITE;
    // Its completion ends the sleep, or keeps it from beginning: see the header.
    work.send_flags = IBV_SEND_INLINE | IBV_SEND_SIGNALED;
    work.sg_list = &piece;
    work.num_sge = 1;
    bell.isAnnounced = post(peer, work);
  }
}

void Bells::take(const ibv_wc& completion) {
  const WorkId id = WorkId::unpack(completion.wr_id);
  const uint32_t peer = id.end - firstEnd;
  Bell& bell = bells_[peer];
  if (id.life != (bell.life & WorkId::lifeMask) || !bell.isUp) return;
  if (completion.status != IBV_WC_SUCCESS) {
    bell.isUp = false;
    bell.brokenNanos = monotonicNanos();
    downs_ |= 1u << peer;
    return;
  }
  if ((completion.wr_id & WorkId::receive) == 0) {
    bell.completed = id.ordinal + 1;
    return;
  }
  // The announcement that was rung for is used up.
  bell.isAnnounced = false;
  postReceive(peer);
}

bool Bells::mend(uint32_t peer, uint64_t nowNanos) {
  Bell& bell = bells_[peer];
  if ((downs_ & 1u << peer) == 0 || nowNanos < bell.brokenNanos + mendNanos) return false;
  bell.epoch++;
  connect(peer);
  return true;
}

}  // namespace aviary

#endif
