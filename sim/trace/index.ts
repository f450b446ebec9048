/** Traces: recording, storing, reading, replaying and exporting schedules. */
export { decodeTrace, encodeTrace, openTrace, type TraceFile } from './codec.js'
export { type DetectiveFinding, type Investigation, investigate } from './detective.js'
export { TraceError, type TraceProblem } from './errors.js'
export { type ItfOptions, itfChunks } from './export/itf.js'
export { type JsonLinesOptions, jsonLines } from './export/jsonl.js'
export { type PerfettoOptions, perfettoChunks } from './export/perfetto.js'
export { describeProcesses, emit, event, eventType, laneOf } from './export/perfetto-packets.js'
export { Message } from './export/protobuf.js'
export {
  Fingerprinter,
  type FingerprintPoints,
  defaultFingerprintEvery,
  fingerprintEvery,
} from './fingerprints.js'
export { type Deviation, type GuidedOptions, type GuidedReplay, replayGuided } from './guided.js'
export { RunRecorder, TraceRecorder } from './recorder.js'
export { type Divergence, type ReplayOptions, type StrictReplay, replayStrict } from './replay.js'
export { type Component } from './state-checker.js'
export { fromText, textLines, toText } from './text.js'
export {
  type About,
  type Trace,
  type TraceHeader,
  type TracedPart,
  type TracedViolation,
  bareTrace,
  recordTrace,
  retrace,
} from './trace.js'
export { type Step, actionName, walk } from './walk.js'
