/**
 * The branches of a session, and their indexing in the background.
 *
 * Contract. What has a number here exists; a number that names nothing, and a position outside of a branch, is refused
 * with a SessionError that names the field. The clock only decides how long `tick` works at a time.
 */
import type { ActionLog, Run, Setup } from '../../sim/index.js'
import { TraceError } from '../../sim/trace/index.js'
import { joined } from './bend.js'
import { Branch, type BranchOrigin } from './branch.js'
import { badRequest } from './errors.js'
import type { Bent, BranchId, Progress, SessionEvent } from './protocol.js'
import type { RecordingReader } from './recordings.js'
import { type KnownSystem, Stage } from './stage.js'

/** Indexes that keep a world to go on with. */
const mostLive = 3
/** Milliseconds between two tellings of how far an index is: what is drawn of it is drawn anew each time. */
const tellMillis = 200
/** Actions indexed between two looks at the clock. */
const indexSlice = 512

export class Registry {
  readonly systems: readonly KnownSystem[]
  readonly recordings: RecordingReader
  /** Milliseconds of a clock that only rises. */
  readonly now: () => number
  readonly #emit: (event: SessionEvent) => void
  readonly #branches = new Map<BranchId, Branch>()
  /** Branches whose index is not complete, the one looked at last first. */
  readonly #indexing: Branch[] = []
  #toldAt = -Infinity
  /** What was last said of the index of each branch. */
  readonly #told = new WeakMap<Branch, string>()
  #lastBranch = 0
  #lastStage = 0

  constructor(
    systems: readonly KnownSystem[],
    recordings: RecordingReader,
    now: () => number,
    emit: (event: SessionEvent) => void,
  ) {
    this.systems = systems
    this.recordings = recordings
    this.now = now
    this.#emit = emit
  }

  get branches(): readonly Branch[] {
    return [...this.#branches.values()]
  }
  /** The system of a name. Throws TraceError when it is not here. */
  system(name: string): KnownSystem {
    const system = this.systems.find(({ definition }) => definition.name === name)
    if (system !== undefined) return system
    const names = this.systems
      .filter(({ origin }) => origin !== 'litmus')
      .map(({ definition }) => definition.name)
      .join(', ')
    throw new TraceError(
      'unplayable',
      'system',
      `the system ${JSON.stringify(name)} is not in this page, which has ${names}`,
      'Open it with `aviary view`, naming the module of the system.',
    )
  }

  // ---- indexing

  get isIndexing(): boolean {
    return this.#indexing.length > 0
  }
  /** Indexes for some milliseconds. */
  tick(milliseconds: number): void {
    const end = this.now() + milliseconds
    const branch = this.#indexing[0]
    if (branch === undefined) return
    while (this.now() < end) {
      if (branch.index.advance(indexSlice)) continue
      this.#indexing.shift()
      this.#giveUpSome()
      break
    }
    const isOver = this.#indexing[0] !== branch
    if (isOver || this.now() - this.#toldAt >= tellMillis) {
      this.#toldAt = this.now()
      this.#emit({ kind: 'indexed', branch: branch.id, known: branch.index.known, length: branch.length })
    }
    if (findingsOf(branch) !== this.#told.get(branch)) this.tell(branch)
  }
  #giveUpSome(): void {
    const live = [...this.#branches.values()].filter(({ index }) => index.isLive)
    for (const each of live.slice(0, -mostLive)) if (each.index.isComplete) each.index.release()
  }
  queue(branch: Branch): void {
    if (!branch.index.isComplete && !this.#indexing.includes(branch)) this.#indexing.unshift(branch)
  }
  /** Brings the index to a position. */
  *indexUpTo(branch: Branch, at: number): Generator<Progress, void> {
    while (branch.index.known < Math.min(at, branch.length)) {
      if (!branch.index.advance(indexSlice) && branch.index.known < at) {
        if (branch.index.isStuck) throw badRequest('at', branch.index.remarks.at(-1) ?? '')
        break
      }
      yield { done: branch.index.known, total: at }
    }
  }

  // ---- branches

  branch(id: BranchId): Branch {
    const branch = this.#branches.get(id)
    if (branch === undefined) throw badRequest('branch', `there is no branch ${String(id)}`)
    return branch
  }
  at(id: BranchId, at: number): Branch {
    const branch = this.branch(id)
    if (!Number.isInteger(at) || at < 0 || at > branch.length)
      throw badRequest('at', `must be a position from 0 to ${String(branch.length)}, not ${String(at)}`)
    return branch
  }
  /** A branch that has such an action. */
  action(id: BranchId, action: number): Branch {
    const branch = this.branch(id)
    if (Number.isInteger(action) && action >= 0 && action < branch.length) return branch
    throw badRequest(
      'action',
      `must be an action from 0 to ${String(branch.length - 1)}, not ${String(action)}`,
    )
  }
  range({ branch: id, from, to }: { branch: BranchId; from: number; to: number }): Branch {
    const branch = this.at(id, from)
    if (!Number.isInteger(to) || to < from || to > branch.length)
      throw badRequest('to', `must be a position from ${String(from)} to ${String(branch.length)}`)
    return branch
  }
  add(stage: Stage, log: ActionLog, from: BranchOrigin): Branch {
    const branch = new Branch(++this.#lastBranch, stage, log, from)
    this.#branches.set(branch.id, branch)
    this.queue(branch)
    // What a person made by hand is short, and is looked at next; of the rest a beginning is known at once.
    branch.index.advance(indexSlice)
    if (branch.index.isComplete) {
      this.#indexing.splice(this.#indexing.indexOf(branch), 1)
      this.#giveUpSome()
    }
    this.tell(branch)
    return branch
  }
  tell(branch: Branch): void {
    this.#told.set(branch, findingsOf(branch))
    this.#emit({ kind: 'branch', branch: branch.info() })
  }
  bent(branch: Branch, isNewWorld = false): Bent {
    return { branch: branch.info(), world: isNewWorld ? branch.stage.info : null }
  }
  /** A branch that goes on from a position with what a run has done since. */
  fork(branch: Branch, at: number, run: Run, title: string, origin: string): Bent {
    const log = joined(branch.prefix(at), run.log)
    const claimed = run.violation?.kind === 'liveness' ? { ...run.violation, at: log.length } : undefined
    return this.bent(this.add(branch.stage, log, { parent: branch, forkedAt: at, title, origin, claimed }))
  }
  newStage(system: KnownSystem, setup: Setup): Stage {
    return new Stage(++this.#lastStage, system, setup)
  }

  close(id: BranchId): { closed: BranchId[] } {
    const closed = [this.branch(id)]
    for (const each of this.#branches.values())
      if (each.parent !== undefined && closed.includes(each.parent)) closed.push(each)
    for (const branch of closed) {
      this.#branches.delete(branch.id)
      branch.stage.forget(branch)
      const at = this.#indexing.indexOf(branch)
      if (at >= 0) this.#indexing.splice(at, 1)
    }
    return { closed: closed.map((branch) => branch.id) }
  }

  /** An index goes on at once, so that what a person made by hand is known when it is shown. */
  grow(branch: Branch): void {
    this.queue(branch)
    branch.index.advance(indexSlice)
    this.tell(branch)
  }
}

/** What an index has found so far that a person is told: another text when there is something new. */
const findingsOf = (branch: Branch): string =>
  `${String(branch.violation()?.at)} ${String(branch.index.remarks.length)}`
