/**
 * Directions between machines that lose everything. A cut is made at both ends: where frames leave and where they come in.
 * One end that is awake is enough for it to hold from the moment it was confirmed. An end that is paused is told nothing:
 * what holds when it goes on it takes then (`settle`), not what came and went meanwhile. Frames that were under way before
 * may still come.
 */
import { RunError } from '../errors.js'
import { type Network, hardwareAddress } from './machine.js'

interface End {
  readonly machine: number
  /** Whether it is up and does what it is told. */
  readonly isAwake: boolean
}

type Direction = readonly [from: number, to: number]

export class Links {
  readonly #network: Network
  readonly #run: (machine: number, argv: readonly string[]) => Promise<void>
  readonly #cuts = new Map<string, Direction>()
  /** Directions that each machine has been told to cut. */
  readonly #told = new Map<number, Map<string, Direction>>()
  /** Of each machine: what it was told last, so that it is told one thing after the other. */
  readonly #last = new Map<number, Promise<void>>()

  constructor(network: Network, run: (machine: number, argv: readonly string[]) => Promise<void>) {
    this.#network = network
    this.#run = run
  }

  cuts(): Direction[] {
    return [...this.#cuts.values()]
  }

  async cut(from: End, to: End): Promise<void> {
    demandDifferent(from, to)
    const key = keyOf(from.machine, to.machine)
    if (this.#cuts.has(key)) return
    demandAwake(from, to, 'cut')
    this.#cuts.set(key, [from.machine, to.machine])
    await this.#both(from, to, 'replace')
  }

  async heal(from: End, to: End): Promise<void> {
    demandDifferent(from, to)
    const key = keyOf(from.machine, to.machine)
    if (!this.#cuts.has(key)) return
    this.#cuts.delete(key)
    await this.#both(from, to, 'del')
  }

  /** A machine that was booted knows of no cuts. */
  async restore(machine: number): Promise<void> {
    this.#last.delete(machine)
    this.#told.delete(machine)
    await this.settle(machine)
  }

  /** Tells a machine that goes on what has changed meanwhile; returns when it has taken that. */
  async settle(machine: number): Promise<void> {
    const told = this.#told.get(machine) ?? new Map<string, Direction>()
    const isNews = ([key, [from, to]]: [string, Direction]): boolean =>
      (machine === from || machine === to) && !told.has(key)
    const healed = [...told].filter(([key]) => !this.#cuts.has(key))
    const made = [...this.#cuts].filter(isNews)
    await Promise.all([
      ...healed.map(([, [from, to]]) => this.#tell(machine, from, to, 'del')),
      ...made.map(([, [from, to]]) => this.#tell(machine, from, to, 'replace')),
      this.#last.get(machine) ?? Promise.resolve(),
    ])
  }

  async #both(from: End, to: End, change: 'replace' | 'del'): Promise<void> {
    const ends = [from, to].filter(({ isAwake }) => isAwake)
    await Promise.all(ends.map(({ machine }) => this.#tell(machine, from.machine, to.machine, change)))
  }

  #tell(machine: number, from: number, to: number, change: 'replace' | 'del'): Promise<void> {
    const told = this.#told.get(machine) ?? new Map<string, Direction>()
    this.#told.set(machine, told)
    if (change === 'replace') told.set(keyOf(from, to), [from, to])
    else told.delete(keyOf(from, to))
    const argv = filterCommand(this.#network, machine, from, to, change)
    const before = this.#last.get(machine) ?? Promise.resolve()
    const done = before.catch(() => undefined).then(() => this.#run(machine, argv))
    this.#last.set(machine, done)
    return done
  }
}

const keyOf = (from: number, to: number): string => `${String(from)}>${String(to)}`

function demandDifferent(from: End, to: End): void {
  if (from.machine === to.machine)
    throw new RunError(`machine ${String(from.machine)} has no link to itself`, 'name two machines.')
}

function demandAwake(from: End, to: End, what: string): void {
  if (from.isAwake || to.isAwake) return
  throw new RunError(
    `${what} ${String(from.machine)} ${String(to.machine)}: neither machine runs`,
    'resume or start one of them first.',
  )
}

/**
 * See tc-flower(8): frames from or to a hardware address are taken away. Where they leave, `trap` does it without a word;
 * `drop` would tell soft-RoCE that its packet was not sent, which then sends it again at once, and again, until nothing else
 * runs in the machine.
 */
function filterCommand(
  network: Network,
  machine: number,
  from: number,
  to: number,
  change: 'replace' | 'del',
): string[] {
  const isSender = machine === from
  const where = ['dev', 'eth0', isSender ? 'egress' : 'ingress']
  const rule = ['protocol', 'all', 'pref', String(1 + (isSender ? to : from))]
  if (change === 'del') return ['tc', 'filter', 'del', ...where, ...rule]
  const match = isSender
    ? ['dst_mac', hardwareAddress(network, to)]
    : ['src_mac', hardwareAddress(network, from)]
  const action = ['action', isSender ? 'trap' : 'drop']
  return ['tc', 'filter', 'replace', ...where, ...rule, 'handle', '1', 'flower', ...match, ...action]
}
