/**
 * Carries out a plan on a running cluster.
 *
 * Contract. What the cluster promises to survive is never exceeded: at most a minority is unavailable at a time, where
 * a member counts as unavailable from the moment that something is done to it until it is a member again that has
 * applied what was committed by then. Where acknowledgements stand in memories, the next member is killed only after the
 * last one that was is a member again; where they are flushed, a majority or all may be killed at once, when nothing
 * else is the matter. A member that another one cannot reach counts too, as one of the two; one that is cut off from all
 * counts alone.
 */
import type { Cluster } from '../cluster.js'
import { RunError } from '../errors.js'
import { askMember } from '../peers.js'
import type { MemberStatus } from '../status.js'
import type { Harm, Victim } from './harm.js'
import { clockMillis } from './load.js'
import { type ChaosKind, type ChaosStep, describeWhat } from './plan.js'

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
  readonly harm: Harm
  /** Whether what members remember outlives their processes. */
  readonly isDurable: boolean
  readonly told: (text: string) => void
}

/** What is the matter with a member. */
interface Trouble {
  readonly deed: Deed
  /** Its other end, for a cut. */
  readonly peer: number | undefined
  /** Of the life that it had when it was killed; undefined for those that were not. */
  incarnation: number | undefined
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
    const { cluster, harm } = this.#options
    const { lookMillis, patienceMillis } = harm.pace
    const begun = clockMillis()
    this.#statuses = await statusesOf(
      cluster,
      (member) => this.#troubles.get(member)?.deed.kind === 'stop' && !this.#troubles.get(member)!.isLifted,
    )
    const newest = Math.max(0, ...this.#statuses.map((each) => each?.service?.commit ?? 0))
    for (const [member, trouble] of this.#troubles) {
      if (!trouble.isLifted) continue
      const status = this.#statuses[member]
      // Not by its process: a machine that has booted again gives out the same numbers.
      const isAnother = trouble.incarnation === undefined || status?.incarnation !== trouble.incarnation
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
      if (begun - trouble.liftedAt > patienceMillis)
        this.failure ??= `member ${String(member)} was not available again ${(patienceMillis / 1000).toFixed(0)} s after: ${trouble.deed.text}`
    }
    await pause(Math.max(5, lookMillis - (clockMillis() - begun)))
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
    const isLosing = [...this.#troubles.values()].some(({ incarnation }) => incarnation !== undefined)
    if ((step.kind === 'kill' || step.kind === 'kill machine') && isLosing && !isDurable) return undefined
    const target = order.find(isFree)
    if (target === undefined) return undefined
    if (step.kind !== 'cut' || step.peer === 'all') return [target]
    const { peer: wanted } = step
    const peer = all.map((k) => (wanted + k) % nodes).find((node) => node !== target && isFree(node))
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
    const shown = step.kind === 'cut' ? { ...step, peer: other ?? ('all' as const) } : step
    const text = step.kind === 'kill all' ? `${describeWhat(step, who)}: ${name}` : describeWhat(shown, who)
    const deed: Deed = {
      kind: step.kind,
      members: affected,
      wasLeader: affected.includes(leader),
      at: clockMillis(),
      over: undefined,
      text,
    }
    const isKill = step.kind === 'kill' || step.kind === 'kill machine' || step.kind === 'kill all'
    for (const member of affected)
      this.#troubles.set(member, {
        deed,
        peer: step.kind === 'cut' ? other : undefined,
        incarnation: isKill ? this.#statuses[member]!.incarnation : undefined,
        isLifted: false,
        liftedAt: 0,
        target: undefined,
      })
    this.deeds.push(deed)
    this.#options.told(text)
    await this.#begin(step, affected, other)
  }

  async #begin(step: ChaosStep, members: readonly number[], other: number | undefined): Promise<void> {
    const { harm } = this.#options
    const victims = members.map((member) => ({ member, pid: this.#statuses[member]!.pid }))
    const [victim] = victims as [Victim]
    const { member } = victim
    switch (step.kind) {
      case 'kill':
        await harm.kill(victims, 'process')
        this.#harmed(members, Promise.resolve())
        return
      case 'kill machine':
      case 'kill all':
        await harm.kill(victims, harm.pace.machineShare > 0 ? 'machine' : 'process')
        this.#harmed(members, harm.bringBack(members))
        return
      case 'stop':
        await harm.stop(victim)
        this.#harmed(
          members,
          pause(step.lastsMillis).then(() => harm.resume(victim)),
        )
        return
      case 'slow':
        this.#harmed(
          members,
          this.#slow(member, step.micros)
            .then(() => pause(step.lastsMillis))
            .then(() => this.#slow(member, 0)),
        )
        return
      case 'cut': {
        const all = this.#options.cluster.members.map((_, each) => each).filter((each) => each !== member)
        const link = async (isCut: boolean): Promise<void> => {
          for (const peer of other === undefined ? all : [other]) {
            if (step.direction !== 'from') await harm.link(member, peer, isCut)
            if (step.direction !== 'to') await harm.link(peer, member, isCut)
          }
        }
        await link(true)
        this.#harmed(
          members,
          pause(step.lastsMillis).then(() => link(false)),
        )
      }
    }
  }

  /** Again and again until the member takes it: one that were left slow would be so for good. */
  async #slow(member: number, micros: number): Promise<void> {
    const { cluster, harm, told } = this.#options
    for (const late = clockMillis() + harm.pace.patienceMillis; ;) {
      try {
        await askMember(cluster, member, { kind: 'slow', micros })
        return
      } catch (error) {
        if (!(error instanceof RunError) || clockMillis() > late) throw error
        told(`member ${String(member)} did not take it: ${error.message}`)
        await pause(harm.pace.lookMillis)
      }
    }
  }

  /** Members are to come back once `over` has resolved. */
  #harmed(members: readonly number[], over: Promise<void>): void {
    const lifting: Promise<void> = over
      .then(() => {
        for (const member of members) {
          const trouble = this.#troubles.get(member)
          if (trouble === undefined) continue
          trouble.isLifted = true
          trouble.liftedAt = clockMillis()
        }
      })
      .catch((error: unknown) => {
        this.failure ??= error instanceof Error ? error.message : String(error)
      })
      .finally(() => this.#lifting.delete(lifting))
    this.#lifting.add(lifting)
  }
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

const pause = (millis: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, millis)
  })
