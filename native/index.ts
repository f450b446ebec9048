/** Shared memory, RDMA and storage, natively: what the runner drives a core with. See docs/native.md. */
export { CompletionKind, Operation, completionField, completionWords } from './batch-layout.js'
export { MisuseError, NativeError } from './errors.js'
export { type NativeNode, endStates, openNode, peerStates, wake } from './node.js'
export type {
  BatchOptions,
  FabricOptions,
  LogOptions,
  NodeOptions,
  PortChoice,
  ShmOptions,
  VerbsOptions,
} from './options.js'
export { type PortReport, type RoundTrip, probePort, verbsDevices } from './verbs.js'
export { loadAddon } from './addon.js'
