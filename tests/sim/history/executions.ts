/**
 * Histories of real executions: clients call, each operation takes effect once on one object, the client is told.
 *
 * Contract. Every history is linearizable by construction. The choices come from `next`, which gives an integer of
 * [0, bound), so that fast-check and a seeded generator can both drive it.
 */
import { HistoryRecorder, type Operation } from '../../../sim/history/history.js'
import type { RegisterInput, RegisterOutput, RegisterValue } from '../../../sim/history/register.js'

export type Next = (bound: number) => number

export interface Execution {
  readonly operations: number
  readonly clients: number
  /** Values are 1 to this; `Infinity`: each is written once. */
  readonly values: number
  readonly readPercent: number
  readonly compareAndSetPercent: number
  readonly unknownPercent: number
}

interface Pending {
  readonly input: RegisterInput
  output: RegisterOutput | undefined
}

export function runRegister(
  execution: Execution,
  next: Next,
): readonly Operation<RegisterInput, RegisterOutput>[] {
  const recorder = new HistoryRecorder<RegisterInput, RegisterOutput>()
  const pending = new Map<number, Pending>()
  const late: Pending[] = [] // abandoned, and still to take effect
  let value: RegisterValue = 0
  let fresh = 0
  let calls = 0

  const newValue = (): number => (execution.values === Infinity ? ++fresh : 1 + next(execution.values))
  const newInput = (): RegisterInput => {
    const kind = next(100)
    if (kind < execution.readPercent) return { kind: 'read' }
    if (kind >= execution.readPercent + execution.compareAndSetPercent) {
      return { kind: 'write', value: newValue() }
    }
    const expected = next(4) === 0 && execution.values !== Infinity ? newValue() : value
    return { kind: 'compareAndSet', expected, value: newValue() }
  }
  const takeEffect = (operation: Pending): void => {
    const { input } = operation
    if (input.kind === 'read') operation.output = value
    else if (input.kind === 'write') operation.output = 'ok'
    else operation.output = value === input.expected
    if (input.kind !== 'read' && operation.output !== false) value = input.value
  }

  while (calls < execution.operations || pending.size > 0) {
    if (late.length > 0 && next(4 * execution.clients) === 0) {
      const [operation] = late.splice(next(late.length), 1)
      if (next(2) === 0) takeEffect(operation!) // else it is lost
    }
    const client = next(execution.clients)
    const operation = pending.get(client)
    if (operation === undefined) {
      if (calls++ >= execution.operations) continue
      const input = newInput()
      pending.set(client, { input, output: undefined })
      recorder.call(client, input)
    } else if (operation.output === undefined) {
      if (next(100) < execution.unknownPercent) {
        late.push(operation)
        pending.delete(client)
        recorder.abandon(client)
      } else takeEffect(operation)
    } else {
      recorder.return(client, operation.output)
      pending.delete(client)
    }
  }
  return recorder.operations()
}

/** A small seeded generator (mulberry32), for histories that are the same on every run. */
export function seeded(seed: number): Next {
  let state = seed
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * bound)
  }
}
