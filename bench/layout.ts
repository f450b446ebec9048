/**
 * What a field access through a layout costs, beside the same work on a bare DataView in the same run.
 *
 * Two handlers, as small as those of a core, are called in turn: they read and write fields of all kinds, a child
 * struct, an item of a log and a set. The engine inlines only some 20 to 30 accesses into one function, so the same work
 * in one large function is measured as well. Other layouts are put to use first, so that the accessor functions have met many classes, as they have in a process
 * with several protocols.
 */
import {
  array,
  boolean,
  bytes,
  enumeration,
  nodeId,
  nodeSet,
  struct,
  u16,
  u32,
  u64,
  u8,
  type ViewOf,
} from '../protocol/layout/index.js'

export interface LayoutFigures {
  readonly nanosPerAccess: number
  /** The same accesses in one function that is too large for all of them to be inlined. */
  readonly nanosPerAccessInLargeFunction: number
  readonly bytesAllocatedPerAccess: number
  readonly ratioToRawDataView: number
}

const fields = {
  role: enumeration(['follower', 'candidate', 'leader']),
  flag: boolean,
  leader: nodeId,
  small: u8,
  port: u16,
  term: u32,
  commit: u64,
  count: u32,
  head: struct({ term: u32, index: u16 }),
  votes: nodeSet,
  log: array(struct({ term: u32, value: u64 }), 16),
}
const replica = struct(fields)

type Replica = ViewOf<typeof replica>

/** One handler, taken through a layout or through the bare memory. */
type Handler<State> = (state: State, i: number) => void

const ACCESSES_PER_ROUND = 31

const throughLayout: readonly Handler<Replica>[] = [
  (state, i) => {
    state.small = i & 255
    state.port = (state.port + state.small) & 0xffff
    state.term = (state.term + state.port) >>> 0
    state.flag = !state.flag
    state.role = state.small & 1
    state.leader = i & 3
    state.count = (state.count + state.leader + state.role) >>> 0
  },
  (state, i) => {
    state.commit = state.commit + state.small
    state.head.index = state.port
    const item = state.log.at(i & 15)
    item.term = state.term
    item.value = state.commit
    state.votes.add(state.leader)
  },
]

const throughLayoutAtOnce: readonly Handler<Replica>[] = [
  (state, i) => {
    state.small = i & 255
    state.port = (state.port + state.small) & 0xffff
    state.term = (state.term + state.port) >>> 0
    state.flag = !state.flag
    state.role = state.small & 1
    state.leader = i & 3
    state.count = (state.count + state.leader + state.role) >>> 0
    state.commit = state.commit + state.small
    state.head.index = state.port
    const item = state.log.at(i & 15)
    item.term = state.term
    item.value = state.commit
    state.votes.add(state.leader)
  },
]

/** The same reads and writes with the offsets of the layout written out and no checks. */
const throughDataView: readonly Handler<DataView>[] = [
  (memory, i) => {
    memory.setUint8(3, i & 255)
    memory.setUint16(4, (memory.getUint16(4, true) + memory.getUint8(3)) & 0xffff, true)
    memory.setUint32(8, (memory.getUint32(8, true) + memory.getUint16(4, true)) >>> 0, true)
    memory.setUint8(1, memory.getUint8(1) === 0 ? 1 : 0)
    memory.setUint8(0, memory.getUint8(3) & 1)
    memory.setUint8(2, i & 3)
    memory.setUint32(24, (memory.getUint32(24, true) + memory.getUint8(2) + memory.getUint8(0)) >>> 0, true)
  },
  (memory, i) => {
    const commit = memory.getUint32(20, true) * 4294967296 + memory.getUint32(16, true) + memory.getUint8(3)
    memory.setUint32(16, commit >>> 0, true)
    memory.setUint32(20, (commit - (commit >>> 0)) / 4294967296, true)
    memory.setUint16(32, memory.getUint16(4, true), true)
    const item = 40 + (i & 15) * 16
    memory.setUint32(item, memory.getUint32(8, true), true)
    memory.setUint32(item + 8, memory.getUint32(16, true), true)
    memory.setUint32(item + 12, memory.getUint32(20, true), true)
    memory.setUint32(36, memory.getUint32(36, true) | (1 << memory.getUint8(2)), true)
  },
]

/** A host calls handlers through a table, so none is inlined here. */
function nanosPerRound<State>(handlers: readonly Handler<State>[], state: State, rounds: number): number {
  const start = process.hrtime.bigint()
  for (const handler of handlers) for (let i = 0; i < rounds; i++) handler(state, i)
  return Number(process.hrtime.bigint() - start) / rounds
}

/** Uses other layouts of the same kinds, from another call site. */
function meetOtherLayouts(classes: number): void {
  for (let each = 0; each < classes; each++) {
    const other = struct({ ahead: bytes(8 * (each + 1)), ...fields })
    const state = other.view(new DataView(new ArrayBuffer(other.sizeBytes)))
    for (let i = 0; i < 20_000; i++) {
      state.small = i & 255
      state.port = state.small
      state.term = state.port
      state.commit = state.term
      state.flag = !state.flag
      state.role = i & 1
      state.leader = i & 3
      state.head.index = state.leader
      state.log.at(i & 15).value = state.commit
      state.votes.add(state.leader)
    }
  }
}

/** Measures for a second or two: the best of several samples of each kind, alternating. */
export function benchLayout(roundsPerSample = 1_000_000): LayoutFigures {
  meetOtherLayouts(8)
  const fresh = () => new DataView(new ArrayBuffer(replica.sizeBytes))
  const [memory, largeMemory, rawMemory] = [fresh(), fresh(), fresh()]
  const [state, largeState] = [replica.view(memory), replica.view(largeMemory)]
  const best = { small: Infinity, large: Infinity, raw: Infinity, allocatedBytes: Infinity }
  for (let sample = 0; sample < 7; sample++) {
    best.raw = Math.min(best.raw, nanosPerRound(throughDataView, rawMemory, roundsPerSample))
    best.large = Math.min(best.large, nanosPerRound(throughLayoutAtOnce, largeState, roundsPerSample))
    const heapBefore = process.memoryUsage().heapUsed
    best.small = Math.min(best.small, nanosPerRound(throughLayout, state, roundsPerSample))
    // A sample with a collection in it shrinks the heap and says nothing.
    const growth = process.memoryUsage().heapUsed - heapBefore
    if (growth >= 0) best.allocatedBytes = Math.min(best.allocatedBytes, growth)
  }
  for (let at = 0; at < replica.sizeBytes; at++) {
    if (memory.getUint8(at) !== rawMemory.getUint8(at)) throw new Error(`the two ways differ at byte ${at}`)
  }
  return {
    nanosPerAccess: best.small / ACCESSES_PER_ROUND,
    nanosPerAccessInLargeFunction: best.large / ACCESSES_PER_ROUND,
    bytesAllocatedPerAccess: best.allocatedBytes / (roundsPerSample * ACCESSES_PER_ROUND),
    ratioToRawDataView: best.small / best.raw,
  }
}
