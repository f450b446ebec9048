/** Shared memory and storage of one machine, natively: what the runner drives a core with. See docs/native.md. */
export { CompletionKind, Operation, completionField, completionWords } from './batch-layout.js'
export { MisuseError, NativeError } from './errors.js'
export { type NativeNode, endStates, openNode, peerStates, wake } from './node.js'
export type { BatchOptions, LogOptions, NodeOptions, ShmOptions } from './options.js'
export { loadAddon } from './addon.js'
