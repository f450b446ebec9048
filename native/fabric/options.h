// What every fabric is told, and what every fabric refuses: the same mistakes have the same names behind each.
#pragma once

#include <string>
#include <vector>

#include "../memory/segment.h"
#include "fabric.h"

namespace aviary {

struct FabricOptions {
  uint32_t self = 0;
  uint32_t nodes = 0;
  uint32_t pairsPerPeer = 1;
  bool loopback = false;
  std::vector<uint32_t> regionBytes;
  uint32_t sendQueueDepth = 64;
  uint32_t receiveQueueDepth = 0;
  uint32_t messageBytes = 0;
  uint32_t inlineBytes = 256;
  uint32_t initialRights = Right::all;
  /// A restarted node begins with its ends in RESET; a new one with connection 0 ready.
  bool isRestarted = false;
  bool receiverRetriesFinite = false;
  /// How long a request waits for an answer.
  uint32_t retryMicros = 10'000;
};

/// Throws NativeError ERR_OPTIONS with the sentence.
void requireOption(bool condition, const char* sentence);
/// Throws NativeError ERR_OPTIONS, which names the option.
void checkOptions(const FabricOptions& options);
/// Each request keeps its inline payload, or its message, in so many bytes.
uint32_t captureBytes(const FabricOptions& options);
/// Whether a request may be posted at all, whatever its queue pair says.
Misuse examine(const Request& request, const FabricOptions& options, const Segment& segment);
/// The kernel's table of transitions for RC (`ibv_modify_qp(3)`); rights may also change in INIT, RTS and SQD.
bool isLegal(EndState state, Control change);

}  // namespace aviary
