// Control calls of an end, and how it comes to have a lane.
#include "options.h"

#if __has_include(<infiniband/verbs.h>)

#include "end.h"

namespace aviary {

Status VerbsEnd::change(Control change, uint32_t argument, const PeerAddress* address) {
  state_ = state();
  if (!isLegal(state_, change)) return Status::invalidTransition;
  switch (change) {
    case Control::rights:
      return changeRights(argument) ? Status::ok : Status::invalidTransition;
    case Control::reset:
      detach();
      state_ = EndState::reset;
      return Status::ok;
    case Control::connect:
      detach();
      rights_ = options_.initialRights;
      connection_ = argument;
      state_ = EndState::readyToSend;
      if (address != nullptr) attach(*address);
      return Status::ok;
    case Control::init:
      // A lane in INIT drops what comes as one in RESET does, so it is taken when its number is known.
      rights_ = options_.initialRights;
      state_ = EndState::init;
      return Status::ok;
    case Control::readyToReceive:
      connection_ = argument;
      state_ = EndState::readyToReceive;
      if (address != nullptr) attach(*address);
      return Status::ok;
    case Control::readyToSend: {
      const EndState before = std::exchange(state_, EndState::readyToSend);
      if (!isDevice() || before == EndState::readyToSend) return Status::ok;
      const bool isDone = before == EndState::drained ? toState(IBV_QPS_RTS) : toSend();
      return isDone ? Status::ok : Status::invalidTransition;
    }
    case Control::drain:
      state_ = EndState::drained;
      return !isDevice() || toState(IBV_QPS_SQD) ? Status::ok : Status::invalidTransition;
    case Control::error:
      if (isDevice()) toState(IBV_QPS_ERR);
      state_ = EndState::error;
      return Status::ok;
  }
  return Status::invalidTransition;
}

bool VerbsEnd::changeRights(uint32_t rights) {
  rights_ = rights;
  if (!isDevice()) return true;
  ibv_qp_attr attributes{};
  attributes.qp_state = state_ == EndState::drained ? IBV_QPS_SQD : IBV_QPS_RTS;
  attributes.qp_access_flags = static_cast<unsigned>(accessFlags());
  return modify(attributes, IBV_QP_STATE | IBV_QP_ACCESS_FLAGS, "other rights");
}

void VerbsEnd::meet(const PeerAddress& address) {
  const bool wantsLane = state_ == EndState::readyToReceive || state_ == EndState::readyToSend;
  // What was posted to nobody fails first, as what is sent to a silent peer does.
  if (wantsLane && !isDevice() && !isHeld_) attach(address);
}

void VerbsEnd::attach(const PeerAddress& address) {
  if (toReceive(address) && state_ == EndState::readyToSend) toSend();
}

/// What is queued and what has not been told of is forgotten; nothing of the peer comes after this.
void VerbsEnd::detach() {
  if (isDevice()) {
    ibv_qp_attr attributes{};
    attributes.qp_state = IBV_QPS_RESET;
    const int failed = verbs().modifyQp(attached_, &attributes, IBV_QP_STATE);
    if (failed != 0) throw verbsError("ibv_modify_qp to RESET", name(), failed);
    attached_ = nullptr;
  }
  life_++;
  head_ = tail_;
  isHeld_ = hasHeldFailed_ = false;
}

}  // namespace aviary

#endif
