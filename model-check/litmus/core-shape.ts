/** What a litmus core is made of: the layout of its private memory, and the names under which its steps appear. */
import { array, struct, u32, u8 } from '../../protocol/index.js'
import { type InboxShape, inboxWords } from './inbox.js'
import type { LitmusProgram, NodeProgram, Operation } from './program.js'

export function layoutOf(program: NodeProgram, inbox: InboxShape) {
  return struct({
    /** Per thread its next operation. */
    counters: array(u8, Math.max(1, program.threads.length)),
    /** Per thread 1 while a call of the host is under way that it waits for. */
    calling: array(u8, Math.max(1, program.threads.length)),
    /** Registers that have a value, as a mask. */
    assigned: u32,
    /** Registers as pairs of 32-bit words. */
    registers: array(u32, Math.max(1, 2 * program.registers.length)),
    /** Per label 1 + status, or 0. */
    statuses: array(u8, Math.max(1, program.labels.length)),
    arrivals: array(u32, Math.max(1, inboxWords(inbox))),
  })
}
/** Everything that a node's core is made of. */
export interface CoreShape {
  readonly program: LitmusProgram
  readonly node: number
  readonly inbox: InboxShape
  readonly pairsPerPeer: number
  readonly scratchBytes: number
}

/** The name under which a thread's steps appear. */
export const threadName = (program: NodeProgram, thread: number): string =>
  program.threads.length === 1 ? 'step' : `step ${String(thread + 1)}`

/** Operations by their text: what a trace shows of them. The value of a note is the line. */
export const notesOf = (program: NodeProgram): string[] => [
  ...new Set(program.threads.flatMap(({ operations }) => operations.filter(isDone).map(noteOf))),
]
const isDone = ({ action }: Operation): boolean => action.kind !== 'end'
export const noteOf = ({ text }: Operation): string => `${text}, line`
