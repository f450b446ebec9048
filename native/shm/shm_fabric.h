// The fabric between processes of one machine: peers' memory is mapped, and a one-sided operation is a copy by the
// process that asks for it. The target's processor has no part in it, so a stopped target goes on serving.
//
// What it guarantees beyond RDMA, and where it differs: docs/native.md. How revocation is final: `revocation.h`.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "../fabric/options.h"
#include "link.h"
#include "queue_pair.h"
#include "rendezvous.h"
#include "revocation.h"

namespace aviary {

struct ShmOptions : FabricOptions {
  std::string cluster;
  uint32_t packetBytes = 4096;
  /// How long a revocation waits for a packet before the memory moves.
  uint32_t graceMicros = 1'000;
};

class ShmFabric final : public Fabric, private RendezvousClient {
 public:
  explicit ShmFabric(const ShmOptions& options);

  Misuse post(const Request& request) override;
  Misuse control(uint32_t queuePair, Control change, uint32_t argument, uint32_t token) override;
  Misuse protect(uint32_t region, uint32_t rights, uint32_t token) override;
  void poll(CompletionSink& sink) override;
  std::shared_ptr<Mapping> memory() const override { return segment_.mapping(); }
  std::span<const Region> regions() const override { return segment_.regions(); }
  bool placesInOrder() const override { return true; }
  PeerState peerState(uint32_t node) const override;
  EndState endState(uint32_t queuePair) const override;
  uint32_t relocations() const override { return relocations_; }
  Misuse impair(uint32_t queuePair, bool losesRequests, bool losesAnswers) override;
  int descriptor() const override { return rendezvous_->descriptor(); }
  void announceSleep() override;
  uint64_t restNanos() const override;
  bool noticesWrites() const override { return true; }
  void endSleep(bool hasSlept) override;
  uint32_t wakes() const override { return wakes_; }

 private:
  struct ControlCall {
    bool isActive = false;
    Control change{};
    uint32_t argument = 0;
    uint32_t token = 0;
    Status status{};
    Quiescence quiescence{1};
  };
  struct ProtectCall {
    bool isActive = false;
    uint32_t token = 0;
    Quiescence quiescence;
  };
  QueuePair* queuePairAt(uint32_t queuePair) const;
  void activate(uint32_t queuePair);
  void deliverRequests(CompletionSink& sink);
  void deliverMessages(CompletionSink& sink);
  bool deliverMessagesOf(Link& link, uint32_t pair, CompletionSink& sink);
  void deliverControls(CompletionSink& sink);
  void begin(ControlCall& call, QueuePair& queuePair);
  void finish(const ControlCall& call, QueuePair& queuePair);
  bool isQuiet(Quiescence& quiescence);
  void moveMemory();
  void startMove();
  bool isMoveNeeded();
  bool isAwaited(const SharedEnd& end) const;
  void setGeneration(uint32_t generation);
  void tickIfDue();
  bool isPacketUnderWay() const;
  bool hasNews() const;
  void forgetPackets(const Link& link);

  Hello introduce(uint32_t peer, int& pageFd, int& segmentFd) override;
  bool met(uint32_t peer, const Hello& hello, UniqueFd page, UniqueFd segment) override;
  bool moved(uint32_t peer, const Moved& moved, UniqueFd segment) override;
  void lost(uint32_t peer) override;

  const ShmOptions options_;
  const Geometry geometry_;
  Segment segment_;
  Mapping inlineArenas_;
  std::unique_ptr<Link> links_[nodesMax];
  std::vector<std::unique_ptr<QueuePair>> queuePairs_;
  /// Queue pairs with something to do, as bits.
  std::vector<uint64_t> active_;
  std::vector<ControlCall> controls_;
  uint32_t controlsActive_ = 0;
  ProtectCall protect_;
  /// Peers are kept out, because the memory is about to move.
  bool isMoving_ = false;
  Quiescence others_;
  uint32_t generation_ = 0;
  uint32_t relocations_ = 0;
  bool isUntold_[nodesMax] = {};
  bool isIncompatible_[nodesMax] = {};
  bool isUrgent_ = false;
  bool isMeeting_ = true;
  const uint64_t openedNanos_ = monotonicNanos();
  uint64_t tickedNanos_ = 0;
  uint32_t polls_ = 0;
  bool isTickForced_ = false;
  /// `busy` of each own end when the owner last rose: another value means that there was a packet since.
  std::vector<uint32_t> seenBusy_;
  uint32_t wakes_ = 0;
  std::unique_ptr<Rendezvous> rendezvous_;
};

}  // namespace aviary
