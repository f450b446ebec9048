// What a port can do, found out by a queue pair that is connected to itself.
#include "options.h"

#if __has_include(<infiniband/verbs.h>)

#include <algorithm>

#include "../memory/clock.h"
#include "verbs_fabric.h"

namespace aviary {

namespace {

constexpr uint32_t probeBytes = 64;
/// Longer than any healthy device takes for one request to itself.
constexpr uint64_t answerNanos = 2'000'000'000;

void change(const QueuePairObject& pair, ibv_qp_attr attributes, int mask, const char* to) {
  const int failed = verbs().modifyQp(pair.get(), &attributes, mask);
  if (failed != 0) throw verbsError(std::string("ibv_modify_qp to ") + to, "a queue pair to itself", failed);
}

/// Median and 99th percentile of the microseconds from post to completion.
void measure(ibv_qp* pair, const CompletionQueue& queue, ibv_send_wr work, uint32_t count, double (&micros)[2]) {
  std::vector<double> all;
  for (uint32_t i = 0; i < count; i++) {
    ibv_send_wr* refused = nullptr;
    const uint64_t begun = monotonicNanos();
    const int failed = ibv_post_send(pair, &work, &refused);
    if (failed != 0) throw verbsError("ibv_post_send", "a queue pair to itself", failed);
    ibv_wc done{};
    while (queue.poll(&done, 1) == 0)
      if (monotonicNanos() > begun + answerNanos)
        throw NativeError("ERR_VERBS", "the device does not answer itself within 2 s: is another process using it up?");
    if (done.status != IBV_WC_SUCCESS)
      throw NativeError("ERR_VERBS", std::string("a request to itself failed: ") + verbs().statusText(done.status));
    all.push_back(static_cast<double>(monotonicNanos() - begun) / 1000);
  }
  std::sort(all.begin(), all.end());
  micros[0] = all[all.size() / 2];
  micros[1] = all[all.size() * 99 / 100];
}

}  // namespace

QueuePairObject connectToItself(const Port& port, const Domain& domain, const CompletionQueue& queue) {
  ibv_qp_init_attr wanted{};
  wanted.send_cq = wanted.recv_cq = queue.get();
  wanted.qp_type = IBV_QPT_RC;
  wanted.cap = {1, 1, 1, 1, 0};
  auto origin = std::make_shared<std::pair<Domain, std::shared_ptr<const Owned<ibv_cq>>>>(domain, queue.share());
  QueuePairObject pair(verbs().createQp(domain->get(), &wanted), verbs().destroyQp, std::move(origin), "ibv_create_qp",
                       "a queue pair to itself");
  ibv_qp_attr attributes{};
  attributes.qp_state = IBV_QPS_INIT;
  attributes.port_num = port.number;
  attributes.qp_access_flags =
      IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC;
  change(pair, attributes, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT | IBV_QP_ACCESS_FLAGS, "INIT");
  attributes.qp_state = IBV_QPS_RTR;
  attributes.path_mtu = port.attributes.active_mtu;
  attributes.dest_qp_num = pair->qp_num;
  attributes.max_dest_rd_atomic = 1;
  attributes.min_rnr_timer = 12;
  attributes.ah_attr = port.addressOf(port.attributes.lid, port.gid.gid);
  change(pair, attributes,
         IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
             IBV_QP_MIN_RNR_TIMER,
         "RTR");
  attributes.qp_state = IBV_QPS_RTS;
  attributes.timeout = 14;
  attributes.retry_cnt = 3;
  attributes.max_rd_atomic = 1;
  change(pair, attributes,
         IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC,
         "RTS");
  return pair;
}

bool queryPlacesInOrder(const Port& port, const Domain& domain) {
  if (verbs().queryDataInOrder == nullptr) return false;
  const CompletionQueue queue(port.context, 1);
  const QueuePairObject pair = connectToItself(port, domain, queue);
  return (verbs().queryDataInOrder(pair.get(), IBV_WR_RDMA_WRITE, 0) & 1) != 0;
}

PortReport probePort(const PortChoice& choice, uint32_t roundTrips) {
  const Port port = openPort(choice);
  const Domain domain = allocDomain(port.context, port.device);
  const CompletionQueue queue(port.context, 4);
  auto memory = std::make_shared<Mapping>(Mapping::anonymous(roundUpToPages(2 * probeBytes)));
  const MemoryRegion region = registerMemory(
      domain, memory->base(), memory->bytes(),
      IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC, memory);
  const QueuePairObject pair = connectToItself(port, domain, queue);
  PortReport report;
  report.device = port.device;
  report.firmware = port.limits.fw_ver;
  report.link = port.isRoce ? "Ethernet" : "InfiniBand";
  report.state = verbs().portStateText(port.attributes.state);
  report.port = port.number;
  report.lid = port.attributes.lid;
  if (port.isRoce) {
    report.gid = gidText(port.gid.gid);
    report.gidKind = gidKindText(port.gid.gid_type);
    report.gidIndex = port.gid.gid_index;
  }
  report.mtuBytes = mtuBytes(port.attributes.active_mtu);
  report.mtuBytesMax = mtuBytes(port.attributes.max_mtu);
  report.readsAtOnce = static_cast<uint32_t>(port.limits.max_qp_rd_atom);
  report.hasAtomics = port.limits.atomic_cap != IBV_ATOMIC_NONE;
  report.placesInOrder = queryPlacesInOrder(port, domain);
  report.roundTrips = roundTrips;
  if (roundTrips == 0) return report;
  ibv_sge piece{};
  piece.addr = reinterpret_cast<uint64_t>(memory->base());
  piece.length = probeBytes;
  piece.lkey = region->lkey;
  ibv_send_wr work{};
  work.sg_list = &piece;
  work.num_sge = 1;
  work.send_flags = IBV_SEND_SIGNALED;
  work.wr.rdma.remote_addr = piece.addr + probeBytes;
  work.wr.rdma.rkey = region->rkey;
  work.opcode = IBV_WR_RDMA_WRITE;
  measure(pair.get(), queue, work, roundTrips, report.writeMicros);
  work.opcode = IBV_WR_RDMA_READ;
  measure(pair.get(), queue, work, roundTrips, report.readMicros);
  if (!report.hasAtomics) return report;
  piece.length = 8;
  work.opcode = IBV_WR_ATOMIC_FETCH_AND_ADD;
  work.wr.atomic = {piece.addr + probeBytes, 1, 0, region->rkey};
  measure(pair.get(), queue, work, roundTrips, report.atomicMicros);
  return report;
}

}  // namespace aviary

#endif
