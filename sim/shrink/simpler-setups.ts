/** Setups that are one step simpler than another, and how a schedule reads in them; and the way back. */
import { type FaultKind, type Knobs, type SystemDefinition, faultKinds } from '../../protocol/index.js'
import type { Setup } from '../run/setup.js'
import { type Schedule, isFault, kindOf } from './schedule.js'

export interface SimplerSetup {
  readonly setup: Setup
  /** The schedule's actions under the names that they may have in it, the likeliest first. */
  renamings(schedule: Schedule): Iterable<Schedule>
}

/** Rules that are switched off stay so: they are what a run is about. */
const simplestKnobs: Omit<Knobs, 'broken'> = {
  poll: 'atomic',
  placement: 'in-order',
  fetch: 'at-departure',
  visibility: 'prompt',
  psn: 'derived',
}
const same = (schedule: Schedule): Schedule[] => [schedule]

/** From the boldest to the most timid. */
export function simplerSetups(
  definition: SystemDefinition,
  setup: Setup,
  schedule: Schedule,
): SimplerSetup[] {
  return [
    ...fewerNodes(definition, setup),
    ...twoNodesFewer(definition, setup),
    ...leastNodes(definition, setup),
    ...smallerParameters(definition, setup),
    ...otherWorkloads(definition, setup),
    ...simplerKnobs(setup),
    ...usedBudget(setup, schedule),
  ]
}

function fewerNodes(definition: SystemDefinition, setup: Setup): SimplerSetup[] {
  if (setup.nodes <= definition.nodes.minimum) return []
  const fewer: SimplerSetup = {
    setup: { ...setup, nodes: setup.nodes - 1 },
    *renamings(schedule) {
      // A system may have nodes of its own beside those that are counted, so any name up to one more may be the last.
      for (let dropped = setup.nodes; dropped >= 0; dropped--)
        yield* withClients(renameNodes(schedule, (node) => closeGap(node, dropped)))
    },
  }
  return [fewer]
}

const closeGap = (node: number, dropped: number): number => {
  if (node === dropped) return -1
  return node > dropped ? node - 1 : node
}

/** Majorities shrink when two nodes go at once. */
function twoNodesFewer(definition: SystemDefinition, setup: Setup): SimplerSetup[] {
  return fewerNodes(definition, setup).flatMap((first) =>
    fewerNodes(definition, first.setup).map((second) => ({
      setup: second.setup,
      *renamings(schedule) {
        for (const once of first.renamings(schedule)) yield* second.renamings(once)
      },
    })),
  )
}

/** Most ways in which nodes may be picked for the least cluster. */
const picksMost = 720

/** Of a large cluster few nodes may do, in whatever order: which client asks which node first goes by their numbers. */
function leastNodes(definition: SystemDefinition, setup: Setup): SimplerSetup[] {
  const { minimum } = definition.nodes
  let picks = 1
  for (let left = setup.nodes; left > setup.nodes - minimum; left--) picks *= left
  if (setup.nodes <= minimum || picks > picksMost) return []
  const least: SimplerSetup = {
    setup: { ...setup, nodes: minimum },
    *renamings(schedule) {
      for (const picked of picksOf(setup.nodes, minimum))
        yield* withClients(
          renameNodes(schedule, (node) =>
            node < setup.nodes ? picked.indexOf(node) : node - setup.nodes + minimum,
          ),
        )
    },
  }
  return [least]
}

/** All ways to pick so many nodes, in any order. */
function* picksOf(nodes: number, count: number): Generator<readonly number[]> {
  if (count === 0) yield []
  else
    for (const picked of picksOf(nodes, count - 1))
      for (let node = 0; node < nodes; node++) if (!picked.includes(node)) yield [...picked, node]
}

/** Gives nodes other numbers; what happens at, from or to a node that gets -1 is left out. */
function renameNodes(schedule: Schedule, numberOf: (node: number) => number): Schedule {
  return schedule
    .map((action) => ({
      ...action,
      site: action.site.replace(/\bn(\d+)\b/g, (_, node: string) => `n${String(numberOf(Number(node)))}`),
    }))
    .filter(({ site }) => !site.includes('n-1'))
}

/** As it is, and with the clients that take part numbered without gaps. */
function withClients(schedule: Schedule): Schedule[] {
  const used = clientsOf(schedule)
  return used.every((client, i) => client === i) ? [schedule] : [schedule, renameClients(schedule, used)]
}

/** Most nodes, and clients, of which every order is tried; of more only the order that they have. */
const orderedMost = { nodes: 4, clients: 3 }

/**
 * With the clients that take part numbered without gaps, in any order, and the nodes in any order: where clients are
 * fewer, one that asks another node first has to do.
 */
function* arrangements(schedule: Schedule, nodes: number): Generator<Schedule> {
  yield schedule
  const used = clientsOf(schedule)
  if (used.length === 0) return
  const inOrder = Array.from({ length: nodes }, (_, node) => node)
  const nodeOrders = nodes > orderedMost.nodes ? [inOrder] : picksOf(nodes, nodes)
  for (const order of nodeOrders) {
    const renamed = renameNodes(schedule, (node) => order[node] ?? node)
    const clientOrders =
      used.length > orderedMost.clients
        ? [used]
        : [...picksOf(used.length, used.length)].map((picked) => picked.map((i) => used[i]!))
    for (const clients of clientOrders) yield renameClients(renamed, clients)
  }
}

function clientsOf(schedule: Schedule): number[] {
  const names = new Set(schedule.flatMap(({ site }) => site.match(clientName) ?? []))
  return [...names].map((name) => Number(name.slice(1))).sort((a, b) => a - b)
}

/** Gives each of the clients its place among them as its number. */
function renameClients(schedule: Schedule, clients: readonly number[]): Schedule {
  return schedule.map((action) => ({
    ...action,
    site: action.site.replace(clientName, (name) => `c${String(clients.indexOf(Number(name.slice(1))))}`),
  }))
}

const clientName = /\bc\d+\b/g

function smallerParameters(definition: SystemDefinition, setup: Setup): SimplerSetup[] {
  const simpler: SimplerSetup[] = []
  for (const [name, parameter] of Object.entries(definition.parameters)) {
    const value = setup.parameters[name] ?? parameter.default
    for (let distance = value - parameter.minimum; distance >= 1; distance = Math.floor(distance / 2))
      simpler.push({
        setup: { ...setup, parameters: { ...setup.parameters, [name]: value - distance } },
        renamings: (schedule) => arrangements(schedule, setup.nodes),
      })
  }
  return simpler
}

/** Workloads tried for smaller parameters. */
const workloadSeeds = [1, 2]

/**
 * Smaller parameters with another workload: the first clients may not happen to do what the story needs of a later one.
 */
function otherWorkloads(definition: SystemDefinition, setup: Setup): SimplerSetup[] {
  return workloadSeeds
    .filter((seed) => seed !== setup.workloadSeed)
    .flatMap((workloadSeed) => smallerParameters(definition, { ...setup, workloadSeed }))
}

function simplerKnobs(setup: Setup): SimplerSetup[] {
  return (Object.keys(simplestKnobs) as (keyof typeof simplestKnobs)[])
    .filter((knob) => setup.knobs[knob] !== simplestKnobs[knob])
    .map((knob) => ({
      setup: { ...setup, knobs: { ...setup.knobs, [knob]: simplestKnobs[knob] } },
      renamings: same,
    }))
}

/** A budget of just what is used. The end of all faults is an action that depends on no budget. */
function usedBudget(setup: Setup, schedule: Schedule): SimplerSetup[] {
  const budget: Partial<Record<FaultKind, number>> = {}
  for (const action of schedule) {
    const kind = kindOf(action) as FaultKind
    if (isFault(action) && faultKinds.includes(kind)) budget[kind] = (budget[kind] ?? 0) + 1
  }
  const isSame = faultKinds.every((kind) => (setup.budget[kind] ?? 0) === (budget[kind] ?? 0))
  return isSame ? [] : [{ setup: { ...setup, budget: budget }, renamings: same }]
}

/**
 * Setups that take back a step of the way from one setup to a simpler one, and that setup itself: what was taken away may
 * have saved actions.
 */
export function roomierSetups(definition: SystemDefinition, from: Setup, setup: Setup): Setup[] {
  const roomier: Setup[] = []
  for (const [name, parameter] of Object.entries(definition.parameters)) {
    const value = setup.parameters[name] ?? parameter.default
    if (value < (from.parameters[name] ?? parameter.default))
      roomier.push({ ...setup, parameters: { ...setup.parameters, [name]: value + 1 } })
  }
  for (const kind of faultKinds) {
    const most = setup.budget[kind] ?? 0
    if (most < (from.budget[kind] ?? 0))
      roomier.push({ ...setup, budget: { ...setup.budget, [kind]: most + 1 } })
  }
  for (const knob of Object.keys(simplestKnobs) as (keyof Knobs)[])
    if (setup.knobs[knob] !== from.knobs[knob])
      roomier.push({ ...setup, knobs: { ...setup.knobs, [knob]: from.knobs[knob] } })
  if (setup.nodes < from.nodes) roomier.push({ ...setup, nodes: setup.nodes + 1 })
  return roomier.length === 0 ? [] : [from, ...roomier]
}
