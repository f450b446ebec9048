/**
 * A function for each method of the protocol of messages.
 *
 * Contract. A method returns its result, or a generator that yields progress and may be resumed at any time later, or
 * never; or a promise of either. Between two of its steps other methods may run and move the stages' worlds.
 */
import { faultKinds } from '../../protocol/index.js'
import { encodeTrace } from '../../sim/trace/index.js'
import { describeAction, enabledActions } from './actions.js'
import { alteredSetup } from './bend.js'
import { compareBranches } from './compare.js'
import { overviewOf, stepColumns } from './diagram.js'
import { badRequest } from './errors.js'
import { bareBytes, fileNameOf, toShared, traceOf } from './files.js'
import { follow } from './follow.js'
import { Lab, healed } from './lab.js'
import {
  alterTo,
  alteredTitle,
  estimateSteps,
  exploreSteps,
  goOnSteps,
  move,
  shrink,
  take,
} from './leaving.js'
import { open } from './opening.js'
import type { Branch } from './branch.js'
import type { Method, Methods, Step, SystemInfo } from './protocol.js'
import type { Registry } from './registry.js'
import { causal } from './relations.js'
import { search, seekMark } from './search.js'
import { clientsAt, stateOf } from './state.js'
import { describeSystem, knobs } from './world-info.js'

type Steps<M extends Method> = Generator<Methods[M]['progress'], Methods[M]['result']>
type Given<M extends Method> = Methods[M]['result'] | Promise<Methods[M]['result'] | Steps<M>> | Steps<M>
export type Handlers = { readonly [M in Method]: (params: Methods[M]['params']) => Given<M> }

/** Of a followed request: most of its steps that are told in words. Of an action: most causes and consequences. */
const mostStages = 200
const mostDirect = 12

const inWords = (branch: Branch, actions: Iterable<number>): readonly Step[] =>
  Array.from(actions, (action) => ({ action, text: describeAction(branch, action).text }))

export function handlersOf(registry: Registry): Handlers {
  return {
    systems: () => ({
      systems: registry.systems.map(({ definition, origin }): SystemInfo =>
        describeSystem(definition, origin),
      ),
      knobs,
      faultKinds,
    }),
    open: (source) => open(registry, source),
    close: ({ branch }) => registry.close(branch),
    branches: () => registry.branches.map((branch) => branch.info()),
    rename: ({ branch: id, title }) => {
      const branch = registry.branch(id)
      branch.title = title
      registry.tell(branch)
      return branch.info()
    },
    steps: (range) => stepColumns(registry.range(range), range.from, range.to),
    arrows: (range) => {
      const branch = registry.range(range)
      const { arrows, known } = branch.index
      return arrows.columns(range.from, range.to, known, range.limit ?? Infinity)
    },
    overview: (range) =>
      overviewOf(registry.range(range), range.from, range.to, checkedBuckets(range.buckets)),
    marks: ({ kinds, limit = 10_000, ...range }) => {
      const { index } = registry.range(range)
      return { marks: index.marks.between(range.from, range.to, kinds, limit), known: index.known }
    },
    truth: ({ branch: id }) => {
      const { index, length } = registry.branch(id)
      return { rows: index.truth.map((log, i) => log.row(i, index.known, length)), known: index.known }
    },
    history: ({ branch: id }) => {
      const branch = registry.branch(id)
      return { clients: clientsAt(branch, branch.length), known: branch.index.known }
    },
    state: ({ branch, at }) => stateOf(registry.at(branch, at), at),
    bytes: ({ branch: id, at, part: name }) => {
      const branch = registry.at(id, at)
      const { stage } = branch
      const part = stage.world.memory.parts.find((each) => each.name === name)
      if (part === undefined) throw badRequest('part', `there is no part ${JSON.stringify(name)}`)
      const here = (): Uint8Array => stage.world.memory.bytes.slice(part.offset, part.offset + part.sizeBytes)
      stage.seek(branch, Math.max(0, at - 1))
      const before = here()
      stage.seek(branch, at)
      const bytes = here()
      return { bytes, changed: bytes.map((byte, i) => (byte === before[i] ? 0 : 1)) }
    },
    describe: ({ branch: id, actions }) => {
      const branch = registry.branch(id)
      return actions.map((action) => {
        if (!Number.isInteger(action) || action < 0 || action >= branch.length)
          throw badRequest('actions', `there is no action ${String(action)}`)
        return describeAction(branch, action)
      })
    },
    enabled: ({ branch, at, faults = false }) => enabledActions(registry.at(branch, at), at, faults),
    *causal({ branch: id, action }) {
      const branch = registry.action(id, action)
      yield* registry.indexUpTo(branch, branch.length)
      const { past, future, directPast, directFuture } = yield* causal(branch, action)
      return {
        past,
        future,
        causes: inWords(branch, directPast.slice(-mostDirect).reverse()),
        consequences: inWords(branch, directFuture.slice(0, mostDirect)),
      }
    },
    *follow({ branch: id, client, position }) {
      const branch = registry.branch(id)
      yield* registry.indexUpTo(branch, branch.length)
      const { actions, stages } = yield* follow(branch, client, position)
      return {
        actions,
        stages: inWords(branch, stages.slice(0, mostStages)),
      }
    },
    *search(query) {
      const branch = registry.at(query.branch, query.from ?? 0)
      if (query.to !== undefined) registry.at(query.branch, query.to)
      return yield* search(branch, query)
    },
    *seek(query) {
      const branch = registry.at(query.branch, query.at)
      if (query.target !== 'fault' && query.target !== 'node' && query.target !== 'kind')
        yield* registry.indexUpTo(branch, branch.length)
      return { at: seekMark(branch, query) }
    },
    estimate: (params) => estimateSteps(registry, params),
    take: (params) => take(registry, params),
    heal: ({ branch: id, at }) => {
      const branch = registry.at(id, at)
      // The clients' story so far is needed only to be judged, which the index does anew.
      return registry.fork(branch, at, healed(new Lab(branch, at)), `healed at ${String(at)}`, 'healed')
    },
    move: (params) => move(registry, params),
    alter: (params) => {
      const branch = registry.at(params.branch, params.at)
      return alterTo(registry, branch, params.at, alteredSetup(branch.stage, params), {
        title: alteredTitle(params),
        origin: 'knob',
      })
    },
    goOn: (params) => goOnSteps(registry, params),
    explore: (params) => exploreSteps(registry, params),
    shrink: (params) => shrink(registry, params),
    compare: ({ branches: [a, b], at }) => {
      if (at !== undefined) {
        registry.at(a, at[0])
        registry.at(b, at[1])
      }
      return compareBranches(registry.branch(a), registry.branch(b), at)
    },
    *save({ branch: id, at }) {
      const branch = registry.branch(id)
      const upTo = at ?? branch.length
      registry.at(id, upTo)
      const trace = yield* quietly(traceOf(branch, upTo))
      return {
        bytes: encodeTrace(trace),
        fileName: fileNameOf(branch.stage, trace.violation, branch.id),
      }
    },
    share: async ({ branch: id, at }) => {
      const branch = registry.branch(id)
      const upTo = at ?? branch.length
      registry.at(id, upTo)
      return { shared: await toShared(bareBytes(branch, upTo)) }
    },
  }
}

/** Goes on without telling how far it has come. */
function* quietly<T>(steps: Generator<unknown, T>): Generator<never, T> {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    yield undefined as never
  }
}

function checkedBuckets(buckets: number): number {
  if (Number.isInteger(buckets) && buckets >= 1 && buckets <= 16_384) return buckets
  throw badRequest('buckets', `must be a whole number from 1 to 16384, not ${String(buckets)}`)
}
