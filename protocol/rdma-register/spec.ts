/**
 * What the register promises, as checked.
 *
 * Its consistency is linearizability *at each reader*: every reader is a register of its own that all puts go to, and
 * the gets of one reader, together with all puts, must be linearizable. Across readers it is weaker: while a put is
 * pending, one reader may have accepted it and another not, so a get at the first that returns the new value may be
 * followed by a get at the second that returns the old one (new/old inversion). Once the put is answered every reader
 * that answers at all has it. Writing back before a get returns would mend that, at the price of a round.
 */
import type { NodeId } from '../contract.js'
import { refused } from '../sequential-model.js'
import type { SequentialModel } from '../sequential-model.js'
import type { HistoryProperty, Observer, Spec, StateInvariant, StepInvariant } from '../system.js'
import { Integrity, WRITER, WriterRegion } from './layout.js'
import type { RegisterLayouts } from './layout.js'
import { checksumOf, INITIAL_VALUE, TORN, valueIn, wordOf } from '../payload.js'
import { readerRoles } from './roles.js'
import { decodeRequest } from './workload.js'
import type { RegisterInput, RegisterOutput } from './workload.js'

export function specOf(layouts: RegisterLayouts): Spec {
  return {
    invariants: [
      integrity(layouts),
      slotNotReusedEarly(layouts),
      stagedUntilFetched(layouts),
      answeredIsHeld(layouts),
      oneSequencePerPut(layouts),
    ],
    stepInvariants: [acceptedNeverGoesBack(layouts)],
    history: linearizable(layouts),
    goal: {
      name: 'all readers hold the newest value',
      meaning:
        'every client is done and every reader that is not down has accepted the newest sequence of the writer',
      reached(observer) {
        if (observer.clientsBusy > 0 || !isAlive(observer, WRITER)) return false
        const { latest } = observer.state(WRITER, layouts.writerState)
        return readersAlive(observer).every(
          (node) => observer.state(node, layouts.readerState).sequence === latest,
        )
      },
    },
  }
}

/** Whether a node has its memory: a paused process answers nothing, but will go on with what it has. */
function isAlive(observer: Observer, node: NodeId): boolean {
  return observer.isUp(node) || observer.isPaused(node)
}

function readersAlive(observer: Observer): NodeId[] {
  const alive: NodeId[] = []
  for (let node = 1; node < observer.nodes; node++) if (isAlive(observer, node)) alive.push(node)
  return alive
}

function valueAccepted(layouts: RegisterLayouts, observer: Observer, node: NodeId): number {
  const { words } = observer.state(node, layouts.readerState)
  return valueIn(words.memory, words.base, layouts.words)
}

function integrity(layouts: RegisterLayouts): StateInvariant {
  return {
    name: 'integrity',
    meaning:
      'what a reader has accepted is the whole payload of one put, and the writer, where it still knows, gave that put this sequence',
    check(observer) {
      for (const node of readersAlive(observer)) {
        const { sequence } = observer.state(node, layouts.readerState)
        if (sequence === 0) continue
        const value = valueAccepted(layouts, observer, node)
        if (value === TORN) return `reader ${node} has accepted a torn payload as sequence ${sequence}`
        if (!isAlive(observer, WRITER)) continue
        const writer = observer.state(WRITER, layouts.writerState)
        if (sequence > writer.latest) {
          return `reader ${node} has accepted sequence ${sequence}, but the writer has assigned ${writer.latest} at most`
        }
        const record = writer.ledger.at(layouts.slotOf(sequence))
        if (record.sequence === sequence && record.value !== value) {
          return `reader ${node} has accepted value ${value} as sequence ${sequence}, which the writer gave to value ${record.value}`
        }
      }
      return undefined
    },
  }
}

function slotNotReusedEarly(layouts: RegisterLayouts): StateInvariant {
  return {
    name: 'slot-not-reused-early',
    meaning:
      'a slot is staged again only after every reader that answers has accepted what it held, or a newer value',
    check(observer) {
      if (!isAlive(observer, WRITER)) return undefined
      const outbox = observer.region(WRITER, WriterRegion.outbox, layouts.outbox)
      for (let slot = 0; slot < layouts.slots; slot++) {
        const staged = outbox.slots.at(slot).sequence
        for (const node of readersAlive(observer)) {
          const reader = observer.state(node, layouts.readerState)
          if (reader.role !== readerRoles.states.serving || reader.sequence + layouts.slots >= staged)
            continue
          return `slot ${slot} holds sequence ${staged}, but reader ${node} is still at ${reader.sequence} and may be reading sequence ${staged - layouts.slots} there`
        }
      }
      return undefined
    },
  }
}

function stagedUntilFetched(layouts: RegisterLayouts): StateInvariant {
  /** What the last word of a slot is when it has been staged to the end. */
  function trailerOf(sequence: number, value: number): number {
    if (layouts.integrity === Integrity.canary) return sequence
    return checksumOf(sequence, { length: layouts.words, get: (index) => wordOf(value, index) })
  }
  return {
    name: 'staged-until-fetched',
    meaning:
      'while a WRITE may still be fetching from an outbox slot, the slot holds the put that was posted',
    check(observer) {
      if (!isAlive(observer, WRITER)) return undefined
      const writer = observer.state(WRITER, layouts.writerState)
      const outbox = observer.region(WRITER, WriterRegion.outbox, layouts.outbox)
      for (let slot = 0; slot < layouts.slots; slot++) {
        const node = readerFetching(writer, slot)
        if (node === undefined) continue
        const { sequence, value } = writer.ledger.at(slot)
        const staged = outbox.slots.at(slot)
        // Before the trailer lands the staging itself is under way, and the WRITE is posted after it.
        if (staged.sequence !== sequence || staged.trailer !== trailerOf(sequence, value)) continue
        if (valueIn(staged.words.memory, staged.words.base, layouts.words) === value) continue
        return `the WRITE of sequence ${sequence} to reader ${node} may still be fetching from slot ${slot}, whose payload is not that of value ${value} any more`
      }
      return undefined
    },
  }

  function readerFetching(writer: WriterView, slot: number): NodeId | undefined {
    for (let node = 1; node < layouts.nodes; node++) {
      if (writer.readers.at(node).inFlight.has(slot)) return node
    }
    return undefined
  }
}

type WriterView = ReturnType<RegisterLayouts['writerState']['view']>

function answeredIsHeld(layouts: RegisterLayouts): StateInvariant {
  return {
    name: 'answered-is-held',
    meaning: 'when a put has been answered, every reader that answers gets has accepted it or a newer one',
    check(observer) {
      if (!isAlive(observer, WRITER)) return undefined
      const { settled } = observer.state(WRITER, layouts.writerState)
      for (const node of readersAlive(observer)) {
        const reader = observer.state(node, layouts.readerState)
        if (reader.role !== readerRoles.states.serving || reader.sequence >= settled) continue
        return `the put of sequence ${settled} has been answered, but reader ${node} still answers with sequence ${reader.sequence}`
      }
      return undefined
    },
  }
}

function oneSequencePerPut(layouts: RegisterLayouts): StateInvariant {
  return {
    name: 'one-sequence-per-put',
    meaning: 'a put has one sequence and a sequence has one put, wherever the two can be seen together',
    check(observer) {
      const sequences = new Map<number, number>()
      const values = new Map<number, number>()
      const contradiction = (sequence: number, value: number): string | undefined => {
        if (sequence === 0 || value === TORN) return undefined
        const otherSequence = sequences.get(value) ?? sequence
        const otherValue = values.get(sequence) ?? value
        sequences.set(value, sequence)
        values.set(sequence, value)
        if (otherSequence !== sequence) {
          return `value ${value} was put once and has sequences ${otherSequence} and ${sequence}`
        }
        if (otherValue !== value) return `sequence ${sequence} stands for values ${otherValue} and ${value}`
        return undefined
      }
      if (isAlive(observer, WRITER)) {
        const { ledger } = observer.state(WRITER, layouts.writerState)
        for (let slot = 0; slot < layouts.slots; slot++) {
          const { sequence, value } = ledger.at(slot)
          const found = contradiction(sequence, value)
          if (found !== undefined) return found
        }
      }
      for (const node of readersAlive(observer)) {
        const { sequence } = observer.state(node, layouts.readerState)
        const found = contradiction(sequence, valueAccepted(layouts, observer, node))
        if (found !== undefined) return found
      }
      return undefined
    },
  }
}

function acceptedNeverGoesBack(layouts: RegisterLayouts): StepInvariant {
  return {
    name: 'accepted-never-goes-back',
    meaning: 'within an incarnation of a reader the accepted sequence never falls',
    residue: 2 * layouts.nodes,
    remember(observer, into) {
      into.fill(0)
      for (const node of readersAlive(observer)) {
        into[2 * node] = observer.incarnation(node)
        into[2 * node + 1] = observer.state(node, layouts.readerState).sequence
      }
    },
    check(before, after, observer) {
      for (const node of readersAlive(observer)) {
        if (before[2 * node] !== after[2 * node]) continue
        const from = before[2 * node + 1]!
        const to = after[2 * node + 1]!
        if (to < from) return `reader ${node} went back from sequence ${from} to ${to}`
      }
      return undefined
    },
  }
}

const model: SequentialModel<number, RegisterInput, RegisterOutput> = {
  name: 'register at one reader',
  initial: INITIAL_VALUE,
  step(state, input, output) {
    if (input.kind === 'put') return input.value
    return output === undefined || output === state ? state : refused
  },
  key: (state) => state,
  describe(input, output) {
    if (input.kind === 'put') return `put(${input.value})${output === undefined ? ' -> ?' : ''}`
    if (output === undefined) return 'get() -> ?'
    return `get() -> ${output === TORN ? 'torn' : output}`
  },
  shape(input, output) {
    if (input.kind === 'put') return { kind: 'sets', to: input.value }
    return output === undefined ? { kind: 'observes' } : { kind: 'observes', from: output }
  },
}

function linearizable(layouts: RegisterLayouts): HistoryProperty<RegisterInput, RegisterOutput> {
  const everyReader = Array.from({ length: layouts.nodes - 1 }, (_, index) => index + 1)
  return {
    name: 'linearizable',
    meaning:
      'at each reader, its gets and all puts have an order that respects real time and explains every value',
    model: {
      ...model,
      // Each reader is a register of its own: a put goes to all of them, a get to the one that the client asks.
      partition: (input) => (input.kind === 'put' ? everyReader : [input.reader]),
    },
    decodeRequest: (operation, client) => decodeRequest(layouts, operation, client),
    decodeReply: (memory, at, length) =>
      length === layouts.getReply.sizeBytes ? valueIn(memory, at, layouts.words) : 0,
  }
}
