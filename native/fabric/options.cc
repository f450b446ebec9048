#include "options.h"

#include <algorithm>

namespace aviary {

void requireOption(bool condition, const char* sentence) {
  if (!condition) throw NativeError("ERR_OPTIONS", sentence);
}

void checkOptions(const FabricOptions& options) {
  requireOption(options.nodes >= 1 && options.nodes <= nodesMax, "nodes must be 1 to 32");
  requireOption(options.self < options.nodes, "self must be less than nodes");
  requireOption(options.pairsPerPeer >= 1 && options.pairsPerPeer <= 16, "pairsPerPeer must be 1 to 16");
  requireOption(options.regionBytes.size() <= regionsMax, "there may be 32 regions at most");
  for (const uint32_t bytes : options.regionBytes)
    requireOption(bytes % 8 == 0 && bytes > 0 && bytes <= 1u << 30,
                  "regions must have 8 bytes to 1 GiB, in multiples of 8");
  requireOption(options.sendQueueDepth >= 1 && options.sendQueueDepth <= 4096, "sendQueueDepth must be 1 to 4096");
  requireOption(options.receiveQueueDepth <= 4096, "receiveQueueDepth must be 0 to 4096");
  requireOption(options.messageBytes <= 1u << 20, "messageBytes must be 0 to 1048576");
  requireOption(options.inlineBytes <= 1u << 20, "inlineBytes must be 0 to 1048576");
  requireOption(options.initialRights <= Right::all, "initialRights must be a mask of rights, 0 to 7");
  requireOption(options.retryMicros >= 1 && options.retryMicros <= 60'000'000, "retryMicros must be 1 to 60000000");
}

uint32_t captureBytes(const FabricOptions& options) {
  return (std::max(options.inlineBytes, options.messageBytes) + 63) / 64 * 64;
}

Misuse examine(const Request& request, const FabricOptions& options, const Segment& segment) {
  if (request.length == 0) return Misuse::length;
  switch (request.operation) {
    case Operation::send:
      if (request.length > options.messageBytes) return Misuse::length;
      if (request.payload == nullptr) return Misuse::local;
      break;
    case Operation::write:
    case Operation::writeImmediate:
    case Operation::read:
      if (request.length % 8 != 0) return Misuse::length;
      if (request.remote.offset % 8 != 0) return Misuse::alignment;
      if (request.payload != nullptr && request.length > options.inlineBytes) return Misuse::inlineTooLong;
      break;
    case Operation::compareSwap:
    case Operation::fetchAdd:
      if (request.length != 8) return Misuse::length;
      break;
    default:
      return Misuse::operation;
  }
  return request.payload != nullptr || segment.holds(request.local, request.length) ? Misuse::none : Misuse::local;
}

bool isLegal(EndState state, Control change) {
  switch (change) {
    case Control::rights:
      return state == EndState::init || state == EndState::readyToSend || state == EndState::drained;
    case Control::init:
      return state == EndState::reset;
    case Control::readyToReceive:
      return state == EndState::init;
    case Control::readyToSend:
      return state == EndState::readyToReceive || state == EndState::readyToSend || state == EndState::drained;
    case Control::drain:
      return state == EndState::readyToSend;
    case Control::error:
      return state != EndState::reset;
    case Control::reset:
    case Control::connect:
      return true;
  }
  return false;
}

}  // namespace aviary
