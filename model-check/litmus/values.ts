/** What is seen in the end: values of observables, and which rows of the expectation they match. */
import { statusNames } from '../../protocol/index.js'
import { NodeStatus } from '../../sim/world/node-parts.js'
import type { World } from '../../sim/world/world.js'
import { wordText } from './numbers.js'
import type { Ending, LitmusProgram, Row } from './program.js'

/** What a node's private memory says, as cursors show it. */
interface PrivateView {
  readonly assigned: number
  readonly registers: { get(index: number): number }
  readonly statuses: { get(index: number): number }
}

/** No value: nothing was loaded, no completion came, the node is down. */
const none = '-'

/** Registers and statuses; memory is undefined here. */
export function privateValues(
  program: LitmusProgram,
  stateOf: (node: number) => PrivateView,
): (string | undefined)[] {
  return program.observables.map((each) => {
    if (each.kind === 'memory') return undefined
    const state = stateOf(each.node)
    if (each.kind === 'status') {
      const known = state.statuses.get(each.label)
      return known === 0 ? none : (statusNames[known - 1] ?? '?')
    }
    if (((state.assigned >>> each.register) & 1) === 0) return none
    return wordText(state.registers.get(2 * each.register), state.registers.get(2 * each.register + 1))
  })
}

/** Whether some allowed row has these values, wherever there is one. */
export const allowsPrivate = (program: LitmusProgram, values: readonly (string | undefined)[]): boolean =>
  program.allowed.some(
    (row) => row.endings.size === 0 && values.every((value, i) => value === undefined || fits(row, i, value)),
  )

const fits = ({ values }: Row, i: number, value: string): boolean => values[i]?.includes(value) ?? true

/** What a world holds when nothing goes on by itself any more. */
export interface Outcome {
  /** In the order of the program's observables. */
  readonly values: readonly string[]
  readonly endings: readonly { readonly node: number; readonly ending: Ending; readonly words: string }[]
}

export const outcomeKey = ({ values, endings }: Outcome): string =>
  [...values, ...endings.map(({ node, ending }) => `n${String(node)} ${ending}`)].join(' ')

export function matches(row: Row, { values, endings }: Outcome): boolean {
  return (
    values.every((value, i) => fits(row, i, value)) &&
    endings.length === row.endings.size &&
    endings.every(({ node, ending }) => row.endings.get(node) === ending)
  )
}

/** Reads outcomes out of a world. */
export class OutcomeView {
  readonly #program: LitmusProgram
  readonly #world: World
  readonly #states: readonly (PrivateView & { readonly counters: { get(index: number): number } })[]

  constructor(program: LitmusProgram, world: World) {
    this.#program = program
    this.#world = world
    this.#states = world.nodes.map(
      (node) => node.parts.state.layout.view(world.memory.view, node.parts.state.offset) as never,
    )
  }

  /** The operation that a thread has come to. */
  counter(node: number, thread: number): number {
    return this.#states[node]!.counters.get(thread)
  }

  outcome(): Outcome {
    const program = this.#program
    const world = this.#world
    const values = privateValues(program, (node) => this.#states[node]!).map((value, i): string => {
      const each = program.observables[i]!
      if (world.isDown(each.node)) return none
      if (each.kind !== 'memory') return value!
      const region = world.nodes[each.node]!.parts.regions[each.at.region]!
      const word = (region.offset + each.at.offset) / 4
      return wordText(world.memory.words[word]!, world.memory.words[word + 1]!)
    })
    const endings = program.nodes.flatMap((_, node) => this.#ending(node))
    return { values, endings }
  }

  #ending(node: number): Outcome['endings'] {
    const { threads } = this.#program.nodes[node]!
    if (this.#world.isDown(node)) return [{ node, ending: 'down', words: 'is down' }]
    const stuck = threads.flatMap(({ operations }, thread) => {
      const { action, line, text } = operations[this.counter(node, thread)]!
      return action.kind === 'end' ? [] : [`line ${String(line)}: ${text}`]
    })
    if (stuck.length === 0) return []
    const isPaused = this.#world.nodes[node]!.status() !== NodeStatus.up
    return [
      { node, ending: 'waits', words: `${isPaused ? 'is stopped' : 'waits'} at ${stuck.join(' and ')}` },
    ]
  }
}
