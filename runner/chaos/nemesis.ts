/**
 * Carries out a plan on a running cluster of processes on this machine.
 *
 * Contract. What the cluster promises to survive is never exceeded: at most a minority is unavailable at a time, where
 * a member counts as unavailable from the moment that something is done to it until it is a member again that has
 * applied what was committed by then. Where acknowledgements stand in memories, the next member is killed only after the
 * last one that was is a member again; where they are flushed, a majority or all may be killed at once, when nothing
 * else is the matter. A member that another one cannot reach counts too, as one of the two.
 */
import { readFileSync } from 'node:fs'
import type { Cluster } from '../cluster.js'
import { RunError } from '../errors.js'
import { askMember } from '../peers.js'
import type { MemberStatus } from '../status.js'
import { clockMillis } from './load.js'
import { type ChaosKind, type ChaosStep, type Direction, describeWhat } from './plan.js'

/** What was done, when, and to whom. */
export interface Deed {
  readonly kind: ChaosKind
  readonly members: readonly number[]
  readonly wasLeader: boolean
  /** Milliseconds of {@link clockMillis}. */
  readonly at: number
  /** When what it was done to was available again; undefined: not yet. */
  over: number | undefined
  readonly text: string
}

export interface NemesisOptions {
  readonly cluster: Cluster
  /** Whether what members remember outlives their processes. */
  readonly isDurable: boolean
  /** Milliseconds until a member must be available again. */
  readonly rejoinMillis: number
  readonly told: (text: string) => void
}

const LOOK_MILLIS = 60

/** What is the matter with a member. */
interface Trouble {
  readonly deed: Deed
  /** Its other end, for a cut. */
  readonly peer: number | undefined
  pid: number
  isKill: boolean
  /** Whether what was done has been taken back. */
  isLifted: boolean
  liftedAt: number
  /** Commit index that it must have applied, known once it is a member. */
  target: number | undefined
}

export class Nemesis {
  readonly deeds: Deed[] = []
  /** What a member did not come back from. */
  failure: string | undefined
  readonly #options: NemesisOptions
  readonly #troubles = new Map<number, Trouble>()
  readonly #lifting = new Set<Promise<void>>()
  #statuses: (MemberStatus | undefined)[]
  #isEnding = false

  constructor(options: NemesisOptions) {
    this.#options = options
    this.#statuses = options.cluster.members.map(() => undefined)
  }

  /** Carries out what is due until `until` (of {@link clockMillis}); then takes everything back. */
  async run(steps: readonly ChaosStep[], begun: number, until: number): Promise<void> {
    try {
      for (const step of steps) {
        while (clockMillis() < begun + step.atMillis && this.#goesOn(until)) await this.#look()
        let members = this.#chosen(step)
        for (; members === undefined && this.#goesOn(until); members = this.#chosen(step)) await this.#look()
        if (members === undefined || !this.#goesOn(until)) break
        await this.#do(step, members)
      }
    } finally {
      await Promise.all(this.#lifting)
    }
    while (this.#troubles.size > 0 && this.failure === undefined) await this.#look()
  }

  /** Begins nothing more. */
  end(): void {
    this.#isEnding = true
  }

  #goesOn(until: number): boolean {
    return clockMillis() < until && this.failure === undefined && !this.#isEnding
  }

  /** Looks how the members are, and who is available again. */
  async #look(): Promise<void> {
    const { cluster, rejoinMillis } = this.#options
    const begun = clockMillis()
    this.#statuses = await statusesOf(
      cluster,
      (member) => this.#troubles.get(member)?.deed.kind === 'stop' && !this.#troubles.get(member)!.isLifted,
    )
    const newest = Math.max(0, ...this.#statuses.map((each) => each?.service?.commit ?? 0))
    for (const [member, trouble] of this.#troubles) {
      if (!trouble.isLifted) continue
      const status = this.#statuses[member]
      const isAnother = !trouble.isKill || (status !== undefined && status.pid !== trouble.pid)
      if (isAnother && status?.state === 'running' && status.service?.isMember === true) {
        trouble.target ??= newest
        // Of what is committed the last is learned with the next.
        if (status.service.applied + 1 >= trouble.target) {
          this.#troubles.delete(member)
          const isLast = trouble.deed.members.every((each) => !this.#troubles.has(each))
          if (isLast) trouble.deed.over = clockMillis()
          continue
        }
      }
      if (begun - trouble.liftedAt > rejoinMillis)
        this.failure ??= `member ${String(member)} was not available again ${(rejoinMillis / 1000).toFixed(0)} s after: ${trouble.deed.text}`
    }
    await new Promise((resolve) => setTimeout(resolve, Math.max(5, LOOK_MILLIS - (clockMillis() - begun))))
  }

  /** Whom a step may meet now; undefined: nobody. */
  #chosen(step: ChaosStep): readonly number[] | undefined {
    const { cluster, isDurable } = this.#options
    const nodes = cluster.members.length
    const minority = (nodes - 1) >> 1
    const all = Array.from({ length: nodes }, (_, node) => node)
    const leader = this.#statuses.findIndex((each) => each?.service?.leads === true)
    if (step.target === 'leader' && leader < 0) return undefined
    const first = step.target === 'leader' ? leader : step.target
    const order = all.map((k) => (first + k) % nodes)
    const isFree = (node: number): boolean =>
      !this.#troubles.has(node) &&
      this.#statuses[node]?.state === 'running' &&
      this.#statuses[node].service?.isMember === true &&
      ![...this.#troubles.values()].some(({ peer }) => peer === node)
    if (step.kind === 'kill all')
      return this.#troubles.size === 0 && all.every(isFree) ? order.slice(0, step.count) : undefined
    if (this.#troubles.size >= minority) return undefined
    const isLosing = [...this.#troubles.values()].some(({ isKill }) => isKill)
    if (step.kind === 'kill' && isLosing && !isDurable) return undefined
    const target = order.find(isFree)
    if (target === undefined) return undefined
    if (step.kind !== 'cut') return [target]
    const peer = all.map((k) => (step.peer + k) % nodes).find((node) => node !== target && isFree(node))
    return peer === undefined ? undefined : [target, peer]
  }

  async #do(step: ChaosStep, members: readonly number[]): Promise<void> {
    const [target, other] = members as readonly [number, number | undefined]
    const affected = step.kind === 'cut' ? [target] : members
    const leader = this.#statuses.findIndex((each) => each?.service?.leads === true)
    const name = members.map(String).join(', ')
    const who =
      affected.includes(leader) && step.kind !== 'kill all'
        ? `member ${String(target)}, the leader`
        : `member ${String(target)}`
    const shown = step.kind === 'cut' ? { ...step, peer: other! } : step
    const text = step.kind === 'kill all' ? `${describeWhat(step, who)}: ${name}` : describeWhat(shown, who)
    const deed: Deed = {
      kind: step.kind,
      members: affected,
      wasLeader: affected.includes(leader),
      at: clockMillis(),
      over: undefined,
      text,
    }
    for (const member of affected)
      this.#troubles.set(member, {
        deed,
        peer: step.kind === 'cut' ? other : undefined,
        pid: this.#statuses[member]!.pid,
        isKill: step.kind === 'kill' || step.kind === 'kill all',
        isLifted: false,
        liftedAt: 0,
        target: undefined,
      })
    this.deeds.push(deed)
    this.#options.told(text)
    switch (step.kind) {
      case 'kill':
      case 'kill all':
        for (const member of affected) this.#signal(member, 'SIGKILL')
        this.#lift(affected)
        return
      case 'stop':
        this.#signal(target, 'SIGSTOP')
        this.#later(step.lastsMillis, () => {
          this.#signal(target, 'SIGCONT')
          this.#lift([target])
        })
        return
      case 'slow':
        await this.#tell(target, { kind: 'slow', micros: step.micros })
        this.#later(step.lastsMillis, async () => {
          await this.#tell(target, { kind: 'slow', micros: 0 })
          this.#lift([target])
        })
        return
      case 'cut':
        await this.#cut(target, other!, step.direction, true)
        this.#later(step.lastsMillis, async () => {
          await this.#cut(target, other!, step.direction, false)
          this.#lift([target])
        })
    }
  }

  /** What goes one way are requests of the one side, and answers to requests of the other. */
  async #cut(target: number, peer: number, direction: Direction, isCut: boolean): Promise<void> {
    const to = isCut && direction !== 'from'
    const from = isCut && direction !== 'to'
    await Promise.all([
      this.#tell(target, { kind: 'impair', peer, requests: to, answers: from }),
      this.#tell(peer, { kind: 'impair', peer: target, requests: from, answers: to }),
    ])
  }

  async #tell(member: number, question: unknown): Promise<void> {
    try {
      await askMember(this.#options.cluster, member, question)
    } catch (error) {
      // A member that has just begun anew has nothing to take back.
      if (!(error instanceof RunError)) throw error
      this.#options.told(`member ${String(member)} did not take it: ${error.message}`)
    }
  }

  #later(millis: number, lift: () => void | Promise<void>): void {
    const lifting: Promise<void> = new Promise<void>((resolve) => setTimeout(resolve, millis))
      .then(lift)
      .catch((error: unknown) => {
        this.failure ??= error instanceof Error ? error.message : String(error)
      })
      .finally(() => this.#lifting.delete(lifting))
    this.#lifting.add(lifting)
  }

  #lift(members: readonly number[]): void {
    for (const member of members) {
      const trouble = this.#troubles.get(member)
      if (trouble === undefined) continue
      trouble.isLifted = true
      trouble.liftedAt = clockMillis()
    }
  }

  #signal(member: number, signal: NodeJS.Signals): void {
    signalMember(member, this.#troubles.get(member)!.pid, signal)
  }
}

/**
 * Sends a signal to the process of a member. Throws {@link RunError} where the number belongs to no member of a cluster
 * on this machine: nothing else is ever killed.
 */
export function signalMember(member: number, pid: number, signal: NodeJS.Signals): void {
  let words: readonly string[] = []
  try {
    words = readFileSync(`/proc/${String(pid)}/cmdline`, 'utf8').split('\0')
  } catch {
    // It has ended by itself.
  }
  const at = words.indexOf('--id')
  if (at < 0 || words[at + 1] !== String(member) || !words.includes('--cluster'))
    throw new RunError(
      `member ${String(member)}: process ${String(pid)} is no member of a cluster on this machine`,
      'run chaos on the machine where the members run, and leave them alone meanwhile.',
    )
  process.kill(pid, signal)
}

/** What members say of themselves; undefined for those that do not answer, and for those that are not asked. */
export async function statusesOf(
  cluster: Cluster,
  isLeftOut: (member: number) => boolean = () => false,
): Promise<(MemberStatus | undefined)[]> {
  return Promise.all(
    cluster.members.map(async (_, member) =>
      isLeftOut(member)
        ? undefined
        : ((await askMember(cluster, member, { kind: 'status' }).catch(() => undefined)) as
            MemberStatus | undefined),
    ),
  )
}
