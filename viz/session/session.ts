/**
 * The session: branches by number, and a function for each method of the protocol of messages.
 *
 * Contract. A method returns its result, a promise of it, or a generator that yields progress and may be resumed at any
 * time later, or never. Between two of its steps other methods may run and move the stages' worlds. `tick` indexes in the
 * background. The clock that the session is given only decides how long it works at a time.
 */
import { ActionLog, Run, Random, derivedSeed, drawPlan, makeScheduler, playOn } from '../../sim/index.js'
import type { FaultBudget } from '../../protocol/index.js'
import { faultKinds } from '../../protocol/index.js'
import type { FaultChoice, Setup, SwarmOptions } from '../../sim/index.js'
import { type Trace, type TraceHeader, TraceError } from '../../sim/trace/index.js'
import { checkSystem } from '../../sim/trace/walk.js'
import { describeAction, enabledActions } from './actions.js'
import {
  alteredSetup,
  checkedBudget,
  guided,
  joined,
  missingBudget,
  reordered,
  shrunk,
  taken,
} from './bend.js'
import { Branch, type BranchOrigin } from './branch.js'
import { commonSteps, compareBranches } from './compare.js'
import { overviewOf, stepColumns } from './diagram.js'
import { badRequest } from './errors.js'
import { bareBytes, fileNameOf, fromShared, logOf, readTraceBytes, toShared, traceOf } from './files.js'
import { Lab, estimate, exploreFrom, goOn, healed } from './lab.js'
import type {
  Bent,
  BranchId,
  FreshRun,
  Method,
  Methods,
  Opened,
  Progress,
  SessionEvent,
  Source,
  SystemInfo,
} from './protocol.js'
import { causal, follow } from './relations.js'
import { search, seekMark } from './search.js'
import { type KnownSystem, Stage } from './stage.js'
import { clientsAt, stateOf } from './state.js'
import { describeSystem, knobs } from './world-info.js'
import { encodeTrace } from '../../sim/trace/index.js'

type Steps<M extends Method> = Generator<Methods[M]['progress'], Methods[M]['result']>
type Given<M extends Method> = Methods[M]['result'] | Promise<Methods[M]['result']> | Steps<M>
export type Handlers = { readonly [M in Method]: (params: Methods[M]['params']) => Given<M> }

/** Indexes that keep a world to go on with. */
const mostLive = 3
/** Actions indexed between two looks at the clock. */
const indexSlice = 512
const usualActions = 400
const usualPositions = 24

export class Session {
  readonly #systems: readonly KnownSystem[]
  readonly #now: () => number
  readonly #emit: (event: SessionEvent) => void
  readonly #branches = new Map<BranchId, Branch>()
  /** Branches whose index is not complete, the one looked at last first. */
  readonly #indexing: Branch[] = []
  #lastBranch = 0
  #lastStage = 0
  readonly handlers: Handlers

  /** @param now milliseconds of a clock that only rises */
  constructor(systems: readonly KnownSystem[], now: () => number, emit: (event: SessionEvent) => void) {
    this.#systems = systems
    this.#now = now
    this.#emit = emit
    this.handlers = this.#makeHandlers()
  }

  // ---- indexing

  get isIndexing(): boolean {
    return this.#indexing.length > 0
  }
  /** Indexes for some milliseconds. */
  tick(milliseconds: number): void {
    const end = this.#now() + milliseconds
    let branch = this.#indexing[0]
    if (branch === undefined) return
    const before = branch.violation()
    while (this.#now() < end) {
      if (branch.index.advance(indexSlice)) continue
      this.#indexing.shift()
      this.#indexed(branch)
      break
    }
    this.#emit({ kind: 'indexed', branch: branch.id, known: branch.index.known, length: branch.length })
    branch = this.#branches.get(branch.id)
    if (branch !== undefined && branch.violation()?.at !== before?.at) this.#tell(branch)
  }
  #indexed(branch: Branch): void {
    if (branch.index.stuck !== '' && !branch.remarks.includes(branch.index.stuck)) {
      branch.remarks = [...branch.remarks, branch.index.stuck]
      this.#tell(branch)
    }
    const live = [...this.#branches.values()].filter(({ index }) => index.isLive)
    for (const each of live.slice(0, -mostLive)) if (each.index.isComplete) each.index.release()
  }
  #queue(branch: Branch): void {
    if (!branch.index.isComplete && !this.#indexing.includes(branch)) this.#indexing.unshift(branch)
  }
  /** Brings the index to a position. */
  *#indexUpTo(branch: Branch, at: number): Generator<Progress, void> {
    while (branch.index.known < Math.min(at, branch.length)) {
      if (!branch.index.advance(indexSlice) && branch.index.known < at) {
        if (branch.index.stuck !== '') throw badRequest('at', branch.index.stuck)
        break
      }
      yield { done: branch.index.known, total: at }
    }
  }

  // ---- branches

  #branch(id: BranchId): Branch {
    const branch = this.#branches.get(id)
    if (branch === undefined) throw badRequest('branch', `there is no branch ${String(id)}`)
    return branch
  }
  #at(id: BranchId, at: number): Branch {
    const branch = this.#branch(id)
    if (!Number.isInteger(at) || at < 0 || at > branch.length)
      throw badRequest('at', `must be a position from 0 to ${String(branch.length)}, not ${String(at)}`)
    return branch
  }
  #range({ branch: id, from, to }: { branch: BranchId; from: number; to: number }): Branch {
    const branch = this.#at(id, from)
    if (!Number.isInteger(to) || to < from || to > branch.length)
      throw badRequest('to', `must be a position from ${String(from)} to ${String(branch.length)}`)
    return branch
  }
  #add(stage: Stage, log: ActionLog, from: BranchOrigin): Branch {
    const branch = new Branch(++this.#lastBranch, stage, log, from)
    this.#branches.set(branch.id, branch)
    this.#queue(branch)
    // What a person made by hand is short, and is looked at next; of the rest a beginning is known at once.
    branch.index.advance(indexSlice)
    if (branch.index.isComplete) {
      this.#indexing.splice(this.#indexing.indexOf(branch), 1)
      this.#indexed(branch)
    }
    this.#tell(branch)
    return branch
  }
  #tell(branch: Branch): void {
    this.#emit({ kind: 'branch', branch: branch.info() })
  }
  #bent(branch: Branch, isNewWorld = false): Bent {
    return { branch: branch.info(), world: isNewWorld ? branch.stage.info : null }
  }
  /** A branch that goes on from a position with what a run has done since. */
  #fork(branch: Branch, at: number, run: Run, title: string, origin: string): Bent {
    const stalled = run.violation?.kind === 'liveness' ? run.violation : undefined
    const log = joined(branch.prefix(at), run.log)
    return this.#bent(this.#add(branch.stage, log, { parent: branch, forkedAt: at, title, origin, stalled }))
  }
  #newStage(system: KnownSystem, setup: Setup): Stage {
    return new Stage(++this.#lastStage, system, setup)
  }

  // ---- opening

  #system(name: string): KnownSystem {
    const system = this.#systems.find(({ definition }) => definition.name === name)
    if (system !== undefined) return system
    const names = this.#systems.map(({ definition }) => definition.name).join(', ')
    throw new TraceError(
      'unplayable',
      'system',
      `the system ${JSON.stringify(name)} is not in this page, which has ${names}`,
      'Open it with `aviary view`, naming the module of the system.',
    )
  }

  async #open(source: Source): Promise<Opened> {
    if ('fresh' in source) return this.#start(source.fresh)
    const bytes = 'bytes' in source ? source.bytes : await fromShared(source.shared)
    const trace = readTraceBytes(bytes)
    const name = ('bytes' in source ? source.name : undefined) ?? 'shared schedule'
    return this.#openTrace(trace, name)
  }

  #openTrace(trace: Trace, title: string): Opened {
    const { header, violation } = trace
    const system = this.#system(header.system)
    checkSystem(system.definition, trace)
    const stage = this.#newStage(system, header.setup)
    const { log, missing } = logOf(stage, trace)
    const remarks = missing === '' ? [] : [missing]
    const branch = this.#add(stage, log, {
      title,
      origin: 'opened trace',
      remarks,
      stalled: violation?.kind === 'liveness' ? violation : undefined,
      provenance: header.provenance,
    })
    return { world: stage.info, branch: branch.info(), provenance: header.provenance }
  }

  #start(fresh: FreshRun): Opened {
    const system = this.#system(fresh.system)
    const { definition } = system
    const { seed = 1, actions = usualActions, variant, nodes, parameters, scheduler } = fresh
    if (variant !== undefined && !Object.hasOwn(definition.bugs, variant))
      throw badRequest('variant', `${definition.name} has no wrong variant ${JSON.stringify(variant)}`)
    for (const name of Object.keys(parameters ?? {}))
      if (!Object.hasOwn(definition.parameters, name))
        throw badRequest(`parameters.${name}`, `${definition.name} has no such parameter`)
    const { minimum, maximum } = definition.nodes
    if (nodes !== undefined && !(nodes >= minimum && nodes <= maximum))
      throw badRequest('nodes', `must be from ${String(minimum)} to ${String(maximum)}, not ${String(nodes)}`)
    const options: SwarmOptions = { bug: variant, nodes, parameters, faults: faultChoice(fresh), scheduler }
    const plan = drawPlan(definition, seed, options)
    const stage = this.#newStage(system, plan.setup)
    const run = new Run(definition, plan.setup)
    if (actions > 0) {
      const random = new Random(derivedSeed(seed, 3))
      playOn(run, makeScheduler(run.world, plan, random), actions)
    }
    const provenance: TraceHeader['provenance'] = { seed, scheduler: plan.scheduler }
    const branch = this.#add(stage, run.log.slice(), {
      title: `${definition.name}${variant === undefined ? '' : ` ${variant}`}, seed ${String(seed)}`,
      origin: `seed ${String(seed)}`,
      provenance,
    })
    return { world: stage.info, branch: branch.info(), provenance }
  }

  #close(id: BranchId): { closed: BranchId[] } {
    const closed = [this.#branch(id)]
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

  // ---- bending

  #take({ branch: id, at, actions }: Methods['take']['params']): Bent {
    const branch = this.#at(id, at)
    const missing = missingBudget(branch, at, actions)
    if (Object.keys(missing).length > 0) {
      const budget = { ...branch.stage.setup.budget }
      for (const kind of faultKinds)
        if (missing[kind] !== undefined) budget[kind] = (budget[kind] ?? 0) + missing[kind]
      const setup = { ...branch.stage.setup, budget }
      const { branch: roomier } = this.#alterTo(branch, at, setup, 'larger budget')
      const { branch: bent } = this.#take({ branch: roomier.branch, at: roomier.length, actions })
      return this.#bent(this.#branch(bent.branch), true)
    }
    const own = taken(branch, at, actions)
    if (at === branch.length && branch.origin === byHand) {
      for (let i = 0; i < own.length; i++) branch.log.add(own.site(i), own.subject(i))
      this.#queue(branch)
      branch.index.advance(indexSlice)
      this.#tell(branch)
      return this.#bent(branch)
    }
    const title = `by hand from ${String(at)}`
    const log = joined(branch.prefix(at), own)
    return this.#bent(this.#add(branch.stage, log, { parent: branch, forkedAt: at, title, origin: byHand }))
  }

  #move({ branch: id, action, to }: Methods['move']['params']): Bent {
    const branch = this.#at(id, action)
    if (!Number.isInteger(to) || to < 0 || to > branch.length || action >= branch.length)
      throw badRequest('to', `must be a position from 0 to ${String(branch.length)}`)
    const { stage } = branch
    const { log, remarks } = guided(stage, reordered(branch.log, action, to), stage)
    const forkedAt = commonSteps(stage, log, stage, branch.log)
    const title = `action ${String(action)} moved to ${String(to)}`
    return this.#bent(this.#add(stage, log, { parent: branch, forkedAt, title, origin: 'moved', remarks }))
  }

  #alterTo(branch: Branch, at: number, setup: Setup, title: string): Bent {
    const stage = this.#newStage(branch.stage.system, setup)
    const { log, remarks } = guided(branch.stage, branch.prefix(at), stage)
    const forkedAt = commonSteps(stage, log, branch.stage, branch.log)
    const origin = title === 'larger budget' ? byHand : 'knob'
    return this.#bent(this.#add(stage, log, { parent: branch, forkedAt, title, origin, remarks }), true)
  }

  *#goOn(params: Methods['goOn']['params']): Steps<'goOn'> {
    const branch = this.#at(params.branch, params.at)
    yield* this.#indexUpTo(branch, params.at)
    const run = goOn(new Lab(branch, params.at), branch.stage, params)
    const title = `seed ${String(params.seed)} from ${String(params.at)}`
    return this.#fork(branch, params.at, run, title, `seed ${String(params.seed)}`)
  }

  *#explore(params: Methods['explore']['params']): Steps<'explore'> {
    const { at } = params
    const branch = this.#at(params.branch, at)
    for (const { done, total } of this.#indexUpTo(branch, at)) yield { done, total, runs: 0, actions: 0 }
    const { found, runs, actions } = yield* exploreFrom(new Lab(branch, at), branch.stage, params, this.#now)
    if (found === undefined) return { found: null, runs, actions }
    const bent = this.#fork(branch, at, found.run, `${found.violation.name} from ${String(at)}`, 'explored')
    return { found: bent, runs, actions }
  }

  #shrink({ branch: id }: Methods['shrink']['params']): Bent {
    const branch = this.#branch(id)
    const { setup, actions, remarks } = shrunk(branch, this.#now)
    const stage = this.#newStage(branch.stage.system, setup)
    const log = new ActionLog()
    for (const { site, subject } of actions) log.add(stage.world.siteNamed(site)!.index, subject)
    const forkedAt = commonSteps(stage, log, branch.stage, branch.log)
    const title = `${branch.title}, shortened`
    return this.#bent(
      this.#add(stage, log, { parent: branch, forkedAt, title, origin: 'shortened', remarks }),
      true,
    )
  }

  *#estimate(params: Methods['estimate']['params']): Steps<'estimate'> {
    const branch = this.#branch(params.branch)
    const { runs = 16, seed = 1 } = params
    const end = branch.violation()?.at ?? branch.length
    const positions = params.positions ?? spread(end, usualPositions)
    for (const at of positions) this.#at(branch.id, at)
    for (const { done, total } of this.#indexUpTo(branch, Math.max(0, ...positions)))
      yield { done, total, partial: emptyEstimate }
    return yield* estimate(branch, positions, runs, seed)
  }

  // ---- the table of methods

  #makeHandlers(): Handlers {
    const session = this
    return {
      systems: () => ({
        systems: this.#systems.map(({ definition, origin }): SystemInfo =>
          describeSystem(definition, origin),
        ),
        knobs,
        faultKinds,
      }),
      open: (source) => this.#open(source),
      close: ({ branch }) => this.#close(branch),
      branches: () => [...this.#branches.values()].map((branch) => branch.info()),
      rename: ({ branch: id, title }) => {
        const branch = this.#branch(id)
        branch.title = title
        this.#tell(branch)
        return branch.info()
      },
      steps: (range) => stepColumns(this.#range(range), range.from, range.to),
      arrows: (range) => {
        const branch = this.#range(range)
        const { arrows, known } = branch.index
        return arrows.columns(range.from, range.to, known, range.limit ?? Infinity)
      },
      overview: (range) =>
        overviewOf(this.#range(range), range.from, range.to, checkedBuckets(range.buckets)),
      marks: ({ kinds, limit = 10_000, ...range }) => {
        const { index } = this.#range(range)
        return { marks: index.marks.between(range.from, range.to, kinds, limit), known: index.known }
      },
      truth: ({ branch: id }) => {
        const { index, length } = this.#branch(id)
        return { rows: index.truth.map((log, i) => log.row(i, index.known, length)), known: index.known }
      },
      history: ({ branch: id }) => {
        const branch = this.#branch(id)
        return { clients: clientsAt(branch, branch.length), known: branch.index.known }
      },
      state: ({ branch, at }) => stateOf(this.#at(branch, at), at),
      bytes: ({ branch: id, at, part: name }) => {
        const branch = this.#at(id, at)
        const { stage } = branch
        const part = stage.world.memory.parts.find((each) => each.name === name)
        if (part === undefined) throw badRequest('part', `there is no part ${JSON.stringify(name)}`)
        const here = (): Uint8Array =>
          stage.world.memory.bytes.slice(part.offset, part.offset + part.sizeBytes)
        stage.seek(branch, Math.max(0, at - 1))
        const before = here()
        stage.seek(branch, at)
        const bytes = here()
        return { bytes, changed: bytes.map((byte, i) => (byte === before[i] ? 0 : 1)) }
      },
      describe: ({ branch: id, actions }) => {
        const branch = this.#branch(id)
        return actions.map((action) => {
          if (!Number.isInteger(action) || action < 0 || action >= branch.length)
            throw badRequest('actions', `there is no action ${String(action)}`)
          return describeAction(branch, action)
        })
      },
      enabled: ({ branch, at, faults = false }) => enabledActions(this.#at(branch, at), at, faults),
      *causal({ branch: id, action }) {
        const branch = session.#at(id, action + 1)
        yield* session.#indexUpTo(branch, branch.length)
        return yield* causal(branch, action)
      },
      *follow({ branch: id, client, position }) {
        const branch = session.#branch(id)
        yield* session.#indexUpTo(branch, branch.length)
        const actions = yield* follow(branch, client, position)
        const stages = [...actions.slice(0, 200)].map((action) => ({
          action,
          text: describeAction(branch, action).text,
        }))
        return { actions, stages }
      },
      *search(query) {
        const branch = session.#at(query.branch, query.from ?? 0)
        if (query.to !== undefined) session.#at(query.branch, query.to)
        return yield* search(branch, query)
      },
      *seek(query) {
        const branch = session.#at(query.branch, query.at)
        if (query.target !== 'fault' && query.target !== 'node' && query.target !== 'kind')
          yield* session.#indexUpTo(branch, branch.length)
        return { at: seekMark(branch, query) }
      },
      estimate: (params) => this.#estimate(params),
      take: (params) => this.#take(params),
      heal: ({ branch: id, at }) => {
        const branch = this.#at(id, at)
        // The clients' story so far is needed only to be judged, which the index does anew.
        return this.#fork(branch, at, healed(new Lab(branch, at)), `healed at ${String(at)}`, 'healed')
      },
      move: (params) => this.#move(params),
      alter: (params) => {
        const branch = this.#at(params.branch, params.at)
        return this.#alterTo(branch, params.at, alteredSetup(branch.stage, params), 'another setup')
      },
      goOn: (params) => this.#goOn(params),
      explore: (params) => this.#explore(params),
      shrink: (params) => this.#shrink(params),
      compare: ({ branches: [a, b], at }) => {
        if (at !== undefined) {
          this.#at(a, at[0])
          this.#at(b, at[1])
        }
        return compareBranches(this.#branch(a), this.#branch(b), at)
      },
      *save({ branch: id, at }) {
        const branch = session.#branch(id)
        const upTo = at ?? branch.length
        session.#at(id, upTo)
        const trace = yield* quietly(traceOf(branch, upTo))
        return {
          bytes: encodeTrace(trace),
          fileName: fileNameOf(branch.stage, trace.violation, branch.id),
        }
      },
      share: async ({ branch: id, at }) => {
        const branch = this.#branch(id)
        const upTo = at ?? branch.length
        this.#at(id, upTo)
        return { shared: await toShared(bareBytes(branch, upTo)) }
      },
    }
  }
}

const byHand = 'by hand'
const emptyEstimate = {
  at: new Uint32Array(0),
  runs: new Uint16Array(0),
  failed: new Uint16Array(0),
  undecided: new Uint16Array(0),
  method: '',
}

/** Goes on without telling how far it has come. */
function* quietly<T>(steps: Generator<unknown, T>): Generator<never, T> {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    yield undefined as never
  }
}

function faultChoice({ faults }: FreshRun): FaultChoice {
  if (typeof faults === 'object' && 'budget' in faults)
    return { budget: checkedBudget(faults.budget) as FaultBudget }
  return faults ?? 'promised'
}

function checkedBuckets(buckets: number): number {
  if (Number.isInteger(buckets) && buckets >= 1 && buckets <= 16_384) return buckets
  throw badRequest('buckets', `must be a whole number from 1 to 16384, not ${String(buckets)}`)
}

/** Positions from 0 to `end`, evenly. */
function spread(end: number, count: number): readonly number[] {
  const steps = Math.min(end, count)
  if (steps === 0) return [0]
  return Array.from({ length: steps + 1 }, (_, i) => Math.round((i * end) / steps))
}
