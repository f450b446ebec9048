/**
 * Looks for a schedule of the simulator in which every node gets the inputs that were recorded, in their order and with
 * their bytes.
 *
 * The recorded inputs are taken in the order of `merge.ts`. For each one the world takes an action that gives its node
 * exactly that input; where none is possible yet, a breadth-first search over what may happen between handlers (words
 * that are placed, requests that arrive, clients that ask again) looks for a state in which one is. There is no way back
 * behind an input that was given, so a schedule may exist that is not found.
 *
 * Limits: one life of each node, recorded from its beginning. What polls have seen must come out of a world whose words
 * are placed in order.
 */
import {
  type Core,
  type CoreDefinition,
  type SystemDefinition,
  type SystemModel,
  Handler,
} from '../../../protocol/index.js'
import {
  type NamedAction,
  type Setup,
  type Snapshot,
  type World,
  Outcome,
  buildWorld,
} from '../../../sim/index.js'
import { areAlike } from './bytes.js'
import type { RunInput } from './merge.js'
import type { StepProgress, Steps } from './steps.js'

/** States that are looked at for one input. */
const MOST_STATES = 2000

export type ScheduleSearch =
  | { readonly found: true; readonly setup: Setup; readonly actions: readonly NamedAction[] }
  /** The first input that could not be had, and how many there were before it. */
  | { readonly found: false; readonly input: RunInput; readonly before: number; readonly reason: string }

/** What a core was given last. */
interface Given {
  node: number
  handler: number
  a: number
  b: number
  c: number
  bytes: Uint8Array
}

/** Kinds of actions that give a core an input, by handler. */
const givingKinds: Readonly<Record<number, readonly string[]>> = {
  [Handler.poll]: ['poll'],
  [Handler.observed]: ['observe'],
  [Handler.timer]: ['timer'],
  [Handler.message]: ['deliver', 'receive'],
  [Handler.completion]: ['complete', 'expire', 'control'],
  [Handler.request]: ['request'],
  [Handler.stored]: ['flush'],
  [Handler.input]: ['input'],
  [Handler.notified]: ['receive'],
}
/** Kinds that happen between handlers. */
const quietKinds: readonly string[] = ['fetch', 'arrive', 'place', 'answer', 'store', 'control']
const clientKinds: readonly string[] = ['invoke', 'reply', 'retry', 'abandon']

/** Looks for a schedule; tells how many of the inputs have been had. */
export function* findSchedule(
  definition: SystemDefinition,
  setup: Setup,
  inputs: readonly RunInput[],
): Steps<ScheduleSearch> {
  const wanted: Setup = {
    ...setup,
    // As shared memory does it: a copy in ascending order, and polls of what has been copied.
    knobs: { ...setup.knobs, poll: 'atomic', placement: 'in-order' },
    budget: { ...setup.budget, drop: Infinity },
  }
  const given: Given[] = []
  const world = buildWorld(spied(definition, given), wanted)
  const actions: NamedAction[] = []
  const had = (done: number): StepProgress => ({
    what: 'looking for a schedule that gives every input',
    done,
    total: inputs.length,
  })
  const arrived = new Set(inputs.map(({ arrives }) => arrives))
  for (const [before, input] of inputs.entries()) {
    if (input.life > 0)
      return { found: false, input, before, reason: 'a node was started again, which is not looked for' }
    if (input.input.handler === Handler.start) {
      actions.push(...dropLost(world, input, arrived))
      continue
    }
    const steps = wayTo(world, given, input)
    let step = steps.next()
    for (; step.done !== true; step = steps.next()) yield had(before)
    const way = step.value
    if (way === undefined) {
      const reason = `no action of the simulator gives it that, nor after any of up to ${String(MOST_STATES)} ways that words, requests and clients may go on`
      return { found: false, input, before, reason }
    }
    actions.push(...way, ...dropLost(world, input, arrived))
    yield had(before + 1)
  }
  return { found: true, setup: wanted, actions }
}

/** The same system, whose cores say what they are given. */
function spied(definition: SystemDefinition, given: Given[]): SystemDefinition {
  const build = (choice: Parameters<SystemDefinition['build']>[0]): SystemModel => {
    const model = definition.build(choice)
    return { ...model, cores: model.cores.map((core, node) => spiedCore(core, node, given)) }
  }
  return { ...definition, build }
}

function spiedCore(definition: CoreDefinition, node: number, given: Given[]): CoreDefinition {
  return {
    ...definition,
    create(context) {
      const core = definition.create(context)
      const note = (handler: number, a: number, b: number, c: number, length: number): void => {
        const { buffer } = context.input
        given.push({ node, handler, a, b, c, bytes: new Uint8Array(buffer.slice(0, length)) })
      }
      const poll = core.poll?.bind(core)
      const spy: Core = {
        start(recovered, length) {
          core.start(recovered, length)
        },
        observed(token, length) {
          note(Handler.observed, token, length, 0, length)
          core.observed?.(token, length)
        },
        timer(timer) {
          note(Handler.timer, timer, 0, 0, 0)
          core.timer?.(timer)
        },
        completion(queuePair, token, status) {
          note(Handler.completion, queuePair, token, status, 0)
          core.completion?.(queuePair, token, status)
        },
        message(from, length) {
          note(Handler.message, from, length, 0, length)
          core.message?.(from, length)
        },
        notified(from, immediate) {
          note(Handler.notified, from, immediate, 0, 0)
          core.notified?.(from, immediate)
        },
        request(client, sequence, length) {
          note(Handler.request, client, sequence, length, length)
          core.request?.(client, sequence, length)
        },
        stored(token, status) {
          note(Handler.stored, token, status, 0, 0)
          core.stored?.(token, status)
        },
        input(kind) {
          note(Handler.input, kind, 0, 0, 0)
          core.input?.(kind)
        },
      }
      if (poll === undefined) return spy
      return {
        ...spy,
        poll() {
          note(Handler.poll, 0, 0, 0, 0)
          poll()
        },
      }
    },
  }
}

/** Takes out of the network what never arrived, lest it stay there and leave no room for what did. */
function dropLost(world: World, input: RunInput, arrived: ReadonlySet<string | undefined>): NamedAction[] {
  const { network } = world.model
  if (network?.lossy !== true) return []
  return input.sends.flatMap(({ key, to, bytes }) => {
    if (arrived.has(key)) return []
    const copy = bytes.slice()
    const words = network.describe(new DataView(copy.buffer), 0, copy.length)
    const site = world.siteNamed(`drop n${String(input.node)}→n${String(to)}`)
    if (site === undefined) return []
    for (let choice = 0; choice < world.armed[site.index]!; choice++) {
      if (site.describe(choice) !== words) continue
      const action = { site: site.name, subject: site.subject(choice) }
      world.step(site.index, choice)
      return [action]
    }
    return []
  })
}

interface Place {
  readonly snapshot: Snapshot
  readonly way: readonly NamedAction[]
}

/** Brings the world behind the input, state by state. Returns the actions that were taken; undefined, and the world as it was, if there are none. */
function* wayTo(
  world: World,
  given: Given[],
  wanted: RunInput,
): Generator<undefined, NamedAction[] | undefined> {
  const begin = world.snapshot()
  const seen = new Set<number>([world.fingerprint()])
  const queue: Place[] = [{ snapshot: begin, way: [] }]
  const quiet = wanted.input.handler === Handler.request ? clientKinds : quietKinds
  for (let looked = 0; looked < queue.length && looked < MOST_STATES; looked++) {
    const { snapshot, way } = queue[looked]!
    if (looked > 0) world.restore(snapshot)
    const last = give(world, given, wanted, snapshot)
    if (last !== undefined) return last === 'idle' ? [...way] : [...way, last]
    yield undefined
    for (const site of world.sites) {
      if (!quiet.includes(site.kind)) continue
      for (let choice = 0; choice < world.armed[site.index]!; choice++) {
        const action = { site: site.name, subject: site.subject(choice) }
        given.length = 0
        const outcome = world.step(site.index, choice)
        const print = world.fingerprint()
        const isNew =
          outcome === Outcome.moved && given.length === 0 && world.failure === undefined && !seen.has(print)
        if (isNew) {
          seen.add(print)
          queue.push({ snapshot: world.snapshot(), way: [...way, action] })
        }
        world.restore(snapshot)
      }
    }
  }
  world.restore(begin)
  return undefined
}

/** Takes an action that gives exactly this input; `idle`: it was given, and changed nothing, so it is no action. */
function give(
  world: World,
  given: Given[],
  wanted: RunInput,
  snapshot: Snapshot,
): NamedAction | 'idle' | undefined {
  const kinds = givingKinds[wanted.input.handler] ?? []
  for (const site of world.sites) {
    if (site.node !== wanted.node || !kinds.includes(site.kind)) continue
    for (let choice = 0; choice < world.armed[site.index]!; choice++) {
      const action = { site: site.name, subject: site.subject(choice) }
      given.length = 0
      const outcome = world.step(site.index, choice)
      if (world.failure === undefined && given.length === 1 && isIt(world, given[0]!, wanted))
        return outcome === Outcome.moved ? action : 'idle'
      world.restore(snapshot)
    }
  }
  return undefined
}

function isIt(world: World, given: Given, { node, input, windows }: RunInput): boolean {
  if (given.node !== node || given.handler !== input.handler) return false
  if (given.a !== input.a || given.b !== input.b) return false
  // The third of a message is its mark, which the simulator has no use for.
  if (input.handler !== Handler.message && given.c !== input.c) return false
  if (!areAlike(given.bytes, input.bytes)) return false
  const { view } = world.nodes[node]!.windows
  return windows.every((words, window) => {
    const at = world.nodes[node]!.windows.offsetOf(window)
    return words.every((word, i) => view.getUint32(at + 4 * i, true) === word)
  })
}
