/**
 * How long the registers and labels of a node are needed: what is neither observed nor used any more is cleared, so that
 * it tells no states apart.
 */
import type { NodeProgram, Observable, Operand, Operation } from './program.js'

/** Beyond every operation: needed until the end. */
const always = 0xffff

export interface Lifetimes {
  /** Per thread and register the last operation that uses it, -1 for none. */
  readonly registers: readonly (readonly number[])[]
  /** Per thread and label the last operation that asks for its status. */
  readonly labels: readonly (readonly number[])[]
  readonly isRegisterObserved: readonly boolean[]
  readonly isLabelObserved: readonly boolean[]
}

export function lifetimesOf(
  program: NodeProgram,
  node: number,
  observables: readonly Observable[],
): Lifetimes {
  const observed = (kind: 'register' | 'status', index: number): boolean =>
    observables.some(
      (each) =>
        each.kind === kind &&
        each.node === node &&
        (each.kind === 'register' ? each.register : each.label) === index,
    )
  const isRegisterObserved = program.registers.map((_, i) => observed('register', i))
  const isLabelObserved = program.labels.map((_, i) => observed('status', i))
  const last = (count: number, uses: (operation: Operation) => readonly number[]): number[][] =>
    program.threads.map(({ operations }) =>
      Array.from({ length: count }, (_, i) =>
        operations.findLastIndex((operation) => uses(operation).includes(i)),
      ),
    )
  return {
    registers: last(program.registers.length, registersUsed),
    labels: last(program.labels.length, labelsUsed),
    isRegisterObserved,
    isLabelObserved,
  }
}

/** Until which operation of a thread a register is needed. */
export const registerEnd = (lifetimes: Lifetimes, thread: number, register: number): number =>
  lifetimes.isRegisterObserved[register] === true ? always : lifetimes.registers[thread]![register]!

export const labelEnd = (lifetimes: Lifetimes, thread: number, label: number): number =>
  lifetimes.isLabelObserved[label] === true ? always : lifetimes.labels[thread]![label]!

function registersUsed({ action, condition }: Operation): readonly number[] {
  const operands: readonly Operand[] =
    action.kind === 'store' || action.kind === 'send' || action.kind === 'append'
      ? action.values
      : action.kind === 'write' && !('region' in action.payload)
        ? action.payload
        : []
  const used = operands.flatMap((operand) => ('register' in operand ? [operand.register] : []))
  const subject = condition?.subject
  return subject !== undefined && 'register' in subject ? [...used, subject.register] : used
}

function labelsUsed({ action, condition }: Operation): readonly number[] {
  const used = action.kind === 'wait' ? action.labels : []
  const subject = condition?.subject
  return subject !== undefined && 'label' in subject ? [...used, subject.label] : used
}
