/** What does not change along a run: lanes, sites, properties, role machines, in the words of the protocol of messages. */
import { type FaultBudget, type SystemDefinition, ruleNames } from '../../protocol/index.js'
import {
  type ActionKind,
  type Setup,
  type Site,
  type World,
  actionKinds,
  buildModel,
  defaultSetup,
  isFaultKind,
} from '../../sim/index.js'
import type {
  KnobInfo,
  LaneInfo,
  PropertyInfo,
  RoleMachineInfo,
  SiteInfo,
  SystemInfo,
  VariantInfo,
  WorldInfo,
} from './protocol.js'
import type { Stage } from './stage.js'

/** What the NIC does behind the back of the CPU, but for what reaches memory. */
const nicKinds: readonly ActionKind[] = ['fetch', 'arrive', 'expire', 'control', 'overrun', 'retransmit']
/** What changes memory without its CPU. */
const memoryKinds: readonly ActionKind[] = ['place', 'answer', 'land', 'corrupt']
const diskKinds: readonly ActionKind[] = ['flush', 'fail-flush', 'rot', 'misdirect', 'wipe']
const linkKinds: readonly ActionKind[] = ['cut', 'heal', 'sever', 'mend', 'calm']

export const faultFrom = actionKinds.findIndex((kind) => isFaultKind(kind))

export function describeWorld(stage: Stage): WorldInfo {
  const { world, setup, definition } = stage
  const lanes = lanesOf(world)
  const roles = rolesOf(world)
  const { bug } = setup
  return {
    id: stage.id,
    system: definition.name,
    variant: bug === undefined ? null : variantOf(definition, bug),
    nodes: world.nodes.map((node) => ({
      node: node.index,
      name: world.nodeName(node.index),
      role: roles.findIndex(({ machine }) => machine === node.definition.role?.machine),
    })),
    clients: clientNames(world),
    parameters: setup.parameters,
    knobs: { ...world.knobs },
    budget: budgetInfo(setup.budget),
    bounds: world.model.bounds,
    kinds: actionKinds,
    faultFrom,
    lanes,
    sites: world.sites.map((site) => describeSite(world, site, lanes)),
    properties: propertiesOf(world, setup),
    roles: roles.map(({ machine }): RoleMachineInfo => machine.definition),
    parts: world.memory.parts.map(({ name, kind, node, sizeBytes }) => ({ name, kind, node, sizeBytes })),
    notes: [...new Set(world.nodes.flatMap(({ definition: { notes } }) => notes))],
  }
}

export const clientNames = (world: World): readonly string[] =>
  (world.clients?.parts ?? []).map((_, client) => `c${String(client)}`)

export const budgetInfo = (budget: FaultBudget): Readonly<Record<string, number | null>> =>
  Object.fromEntries(Object.entries(budget).map(([kind, most]) => [kind, most === Infinity ? null : most]))

function rolesOf(world: World) {
  const machines = new Set(world.nodes.flatMap(({ definition: { role } }) => role?.machine ?? []))
  return [...machines].map((machine) => ({ machine }))
}

function lanesOf(world: World): readonly LaneInfo[] {
  const lanes: LaneInfo[] = []
  for (const { index } of world.nodes) {
    const add = (kind: LaneInfo['kind'], what: string): void => {
      lanes.push({ name: `${world.nodeName(index)} ${what}`, kind, node: index, client: -1 })
    }
    add('cpu', 'CPU')
    if (world.fabric !== undefined) {
      add('nic', 'NIC')
      add('memory', 'memory')
    }
    if (world.disks.length > 0) add('disk', 'disk')
  }
  clientNames(world).forEach((name, client) => lanes.push({ name, kind: 'client', node: -1, client }))
  lanes.push({ name: 'links', kind: 'links', node: -1, client: -1 })
  return lanes
}

function describeSite(world: World, site: Site, lanes: readonly LaneInfo[]): SiteInfo {
  const { kind, name } = site
  const [from = -1, to = -1] = endsOf(name, /n(\d+)/g)
  const [client = -1] = endsOf(name, /\bc(\d+)/g)
  const node = linkKinds.includes(kind) ? -1 : site.node
  const peer = node === from && to >= 0 ? to : node === to || node < 0 ? (from >= 0 ? from : -1) : from
  const lane = laneOf(world, site, client, lanes)
  return { name, kind: actionKinds.indexOf(kind), lane, node, peer: peer === node ? -1 : peer, client }
}

const endsOf = (name: string, pattern: RegExp): readonly number[] =>
  [...name.matchAll(pattern)].map(([, digits]) => Number(digits))

function laneOf(world: World, { kind, node }: Site, client: number, lanes: readonly LaneInfo[]): number {
  const find = (of: LaneInfo['kind'], at: number): number =>
    lanes.findIndex((lane) => lane.kind === of && (of === 'client' ? lane.client : lane.node) === at)
  const links = lanes.length - 1
  if (linkKinds.includes(kind)) return links
  if (node < 0) return client < 0 ? links : find('client', client)
  const wanted = nicKinds.includes(kind)
    ? 'nic'
    : memoryKinds.includes(kind)
      ? 'memory'
      : diskKinds.includes(kind)
        ? 'disk'
        : 'cpu'
  const lane = find(wanted, node)
  return lane < 0 ? find('cpu', node) : lane
}

function propertiesOf(world: World, { without }: Setup): readonly PropertyInfo[] {
  const { spec } = world.model
  const judged = ({ name }: { readonly name: string }): boolean => !without.includes(name)
  const info =
    (kind: PropertyInfo['kind']) =>
    ({ name, meaning }: { readonly name: string; readonly meaning: string }): PropertyInfo => ({
      name,
      kind,
      meaning,
    })
  const hasRoles = world.nodes.some(({ definition: { role } }) => role !== undefined)
  const roles = {
    name: 'role',
    meaning: 'Every change of a role is one that some event of its role machine allows.',
  }
  return [
    ...spec.invariants.filter(judged).map(info('invariant')),
    ...spec.stepInvariants.filter(judged).map(info('step')),
    ...(hasRoles && judged(roles) ? [info('role')(roles)] : []),
    ...(spec.history === undefined || !judged(spec.history) ? [] : [info('history')(spec.history)]),
    info('goal')(spec.goal),
  ]
}

// ---- systems

export function describeSystem(definition: SystemDefinition, origin: SystemInfo['origin']): SystemInfo {
  const { name, summary, nodes, parameters, bugs } = definition
  const { atlas } = buildModel(definition, defaultSetup(definition))
  return {
    name,
    summary,
    origin,
    nodes,
    parameters: Object.entries(parameters).map(
      ([parameter, { minimum, maximum, default: usual, meaning }]) => ({
        name: parameter,
        minimum,
        maximum,
        default: usual,
        meaning,
      }),
    ),
    variants: Object.keys(bugs).map((bug) => variantOf(definition, bug)),
    promised: budgetInfo(atlas.safety),
    beyond: atlas.beyond.map(({ name: beyond, story }) => ({ name: beyond, story })),
  }
}

function variantOf({ bugs }: SystemDefinition, name: string): VariantInfo {
  const { story, fix, caughtBy } = bugs[name]!
  return { name, story, fix, caughtBy }
}

export const knobs: readonly KnobInfo[] = [
  { name: 'poll', values: ['atomic', 'loads'], many: false },
  { name: 'placement', values: ['in-order', 'shuffled-in-packet', 'shuffled'], many: false },
  { name: 'fetch', values: ['at-departure', 'early', 'by-word'], many: false },
  { name: 'visibility', values: ['lagging', 'prompt'], many: false },
  { name: 'psn', values: ['derived', 'constant'], many: false },
  { name: 'broken', values: ruleNames, many: true },
]
