/** The methods that make branches: by hand, by seed, by a search, by another setup. */
import { faultKinds } from '../../protocol/index.js'
import { ActionLog, type Setup } from '../../sim/index.js'
import { guided, joined, missingBudget, reordered, shrunk, taken } from './bend.js'
import type { Branch } from './branch.js'
import { commonSteps } from './compare.js'
import { badRequest } from './errors.js'
import { Lab, estimate, exploreFrom, goOn } from './lab.js'
import type { ActionRef, Bent, Method, Methods } from './protocol.js'
import type { Registry } from './registry.js'

type Steps<M extends Method> = Generator<Methods[M]['progress'], Methods[M]['result']>

const usualPositions = 24
const byHand = 'by hand'
const emptyEstimate = {
  at: new Uint32Array(0),
  runs: new Uint16Array(0),
  failed: new Uint16Array(0),
  undecided: new Uint16Array(0),
  method: '',
}

export function take(registry: Registry, { branch: id, at, actions }: Methods['take']['params']): Bent {
  const branch = registry.at(id, at)
  if (isItsOwn(branch, at, actions)) return registry.bent(branch)
  const missing = missingBudget(branch, at, actions)
  if (Object.keys(missing).length > 0) {
    const budget = { ...branch.stage.setup.budget }
    for (const kind of faultKinds)
      if (missing[kind] !== undefined) budget[kind] = (budget[kind] ?? 0) + missing[kind]
    const setup = { ...branch.stage.setup, budget }
    const { branch: roomier } = alterTo(registry, branch, at, setup, {
      title: `${Object.keys(missing).join(', ')} added at ${String(at)}`,
      origin: byHand,
    })
    const { branch: bent } = take(registry, { branch: roomier.branch, at: roomier.length, actions })
    return registry.bent(registry.branch(bent.branch), true)
  }
  const own = taken(branch, at, actions)
  if (at === branch.length && branch.origin === byHand) {
    for (let i = 0; i < own.length; i++) branch.log.add(own.site(i), own.subject(i))
    registry.grow(branch)
    return registry.bent(branch)
  }
  const title = `by hand from ${String(at)}`
  const log = joined(branch.prefix(at), own)
  return registry.bent(
    registry.add(branch.stage, log, { parent: branch, forkedAt: at, title, origin: byHand }),
  )
}

/** Whether a branch takes these actions itself from a position on. */
function isItsOwn({ log, length, stage }: Branch, at: number, actions: readonly ActionRef[]): boolean {
  const { sites } = stage.world
  return (
    at + actions.length <= length &&
    actions.every(
      ({ site, subject }, i) => sites[log.site(at + i)]!.name === site && log.subject(at + i) === subject,
    )
  )
}

export function move(registry: Registry, { branch: id, action, to }: Methods['move']['params']): Bent {
  const branch = registry.action(id, action)
  if (!Number.isInteger(to) || to < 0 || to > branch.length)
    throw badRequest('to', `must be a position from 0 to ${String(branch.length)}`)
  const { stage } = branch
  const { log, remarks } = guided(stage, reordered(branch.log, action, to), stage)
  const forkedAt = commonSteps(stage, log, stage, branch.log)
  const title = `action ${String(action)} moved to ${String(to)}`
  return registry.bent(
    registry.add(stage, log, { parent: branch, forkedAt, title, origin: 'moved', remarks }),
  )
}

/** A branch on another setup is named for what is other. */
export function alteredTitle({ variant, knobs, parameters, budget }: Methods['alter']['params']): string {
  const named = Object.entries({ ...knobs, ...parameters, ...budget }).map(
    ([name, value]) => `${name} ${typeof value === 'object' ? value.join(' ') || 'none' : String(value)}`,
  )
  if (variant !== undefined)
    named.unshift(variant === null ? 'the right protocol' : `wrong variant ${variant}`)
  return named.join(', ')
}

export function alterTo(
  registry: Registry,
  branch: Branch,
  at: number,
  setup: Setup,
  { title, origin }: { readonly title: string; readonly origin: string },
): Bent {
  const stage = registry.newStage(branch.stage.system, setup)
  const { log, remarks } = guided(branch.stage, branch.prefix(at), stage)
  const forkedAt = commonSteps(stage, log, branch.stage, branch.log)
  return registry.bent(registry.add(stage, log, { parent: branch, forkedAt, title, origin, remarks }), true)
}

export function* goOnSteps(registry: Registry, params: Methods['goOn']['params']): Steps<'goOn'> {
  const branch = registry.at(params.branch, params.at)
  yield* registry.indexUpTo(branch, params.at)
  const run = goOn(new Lab(branch, params.at), branch.stage, params)
  const title = `seed ${String(params.seed)} from ${String(params.at)}`
  return registry.fork(branch, params.at, run, title, `seed ${String(params.seed)}`)
}

export function* exploreSteps(registry: Registry, params: Methods['explore']['params']): Steps<'explore'> {
  const { at } = params
  const branch = registry.at(params.branch, at)
  for (const { done, total } of registry.indexUpTo(branch, at)) yield { done, total, runs: 0, actions: 0 }
  const { found, runs, actions } = yield* exploreFrom(new Lab(branch, at), branch.stage, params, registry.now)
  if (found === undefined) return { found: null, runs, actions }
  const bent = registry.fork(branch, at, found.run, `${found.violation.name} from ${String(at)}`, 'explored')
  return { found: bent, runs, actions }
}

export function shrink(registry: Registry, { branch: id }: Methods['shrink']['params']): Bent {
  const branch = registry.branch(id)
  const { setup, actions, remarks } = shrunk(branch, registry.now)
  const stage = registry.newStage(branch.stage.system, setup)
  const log = new ActionLog()
  for (const { site, subject } of actions) log.add(stage.world.siteNamed(site)!.index, subject)
  const forkedAt = commonSteps(stage, log, branch.stage, branch.log)
  const title = `${branch.title}, shortened`
  return registry.bent(
    registry.add(stage, log, { parent: branch, forkedAt, title, origin: 'shortened', remarks }),
    true,
  )
}

export function* estimateSteps(registry: Registry, params: Methods['estimate']['params']): Steps<'estimate'> {
  const branch = registry.branch(params.branch)
  const { runs = 16, seed = 1 } = params
  const end = branch.violation()?.at ?? branch.length
  const positions = params.positions ?? spread(end, usualPositions)
  for (const at of positions) registry.at(branch.id, at)
  for (const { done, total } of registry.indexUpTo(branch, Math.max(0, ...positions)))
    yield { done, total, partial: emptyEstimate }
  return yield* estimate(branch, positions, runs, seed)
}

/** Positions from 0 to `end`, evenly. */
function spread(end: number, count: number): readonly number[] {
  const steps = Math.min(end, count)
  if (steps === 0) return [0]
  return Array.from({ length: steps + 1 }, (_, i) => Math.round((i * end) / steps))
}
