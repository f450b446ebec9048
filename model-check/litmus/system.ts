/** A litmus program as a system: what every tool of Aviary can run. */
import {
  type FaultKind,
  type Knobs,
  type NodeId,
  type Observer,
  type RdmaFabric,
  type SystemDefinition,
  type SystemModel,
  Right,
  defineSystem,
} from '../../protocol/index.js'
import { type Setup, buildWorld, defaultSetup } from '../../sim/run/setup.js'
import type { World } from '../../sim/world/world.js'
import { type CoreShape, layoutOf } from './core-shape.js'
import { litmusCore } from './core.js'
import type { InboxShape } from './inbox.js'
import type { Action, LitmusProgram, NodeProgram, Posting } from './program.js'
import { allowsPrivate, privateValues } from './values.js'

/** What hardware is like unless a program says otherwise: everything that the rule book lets happen. */
const litmusKnobs = {
  poll: 'loads',
  placement: 'shuffled',
  fetch: 'by-word',
  visibility: 'lagging',
  psn: 'derived',
} as const satisfies Partial<Knobs>

export function litmusSystem(program: LitmusProgram): SystemDefinition {
  const count = program.nodes.length
  return defineSystem({
    name: program.name,
    summary: program.title,
    nodes: { minimum: count, maximum: count, default: count, noun: 'nodes' },
    parameters: {},
    bugs: {},
    build: () => modelOf(program),
  })
}

/** The setup in which a program is enumerated. */
export function litmusSetup(program: LitmusProgram, broken: Knobs['broken'] = []): Setup {
  const setup = defaultSetup(litmusSystem(program))
  return {
    ...setup,
    knobs: { ...setup.knobs, ...litmusKnobs, ...program.knobs, broken },
    budget: program.budget,
  }
}

export const litmusWorld = (program: LitmusProgram, broken: Knobs['broken'] = []): World =>
  buildWorld(litmusSystem(program), litmusSetup(program, broken))

function modelOf(program: LitmusProgram): SystemModel {
  const fabric = fabricOf(program)
  const shapes = shapesOf(program, fabric?.pairsPerPeer ?? 1)
  const disk = diskOf(program)
  const clock = clockOf(program)
  return {
    cores: shapes.map(litmusCore),
    ...(fabric === undefined ? {} : { fabric }),
    ...(disk === undefined ? {} : { disk }),
    ...(clock === undefined ? {} : { clock }),
    atlas: { safety: program.budget, unavailable: 0, spared: sparedOf(program), beyond: [] },
    spec: {
      invariants: hasPinnedFaults(program) ? [] : [outcomeInvariant(program, shapes)],
      stepInvariants: [],
      history: undefined,
      goal: {
        name: 'done',
        meaning: 'Nothing is asked of a litmus program in the end.',
        reached: () => true,
      },
    },
    requires: { ...litmusKnobs, ...program.knobs },
    bounds: {},
  }
}

/** Statuses and registers must be those of an allowed outcome once all threads have come to their end. */
function outcomeInvariant(program: LitmusProgram, shapes: readonly CoreShape[]) {
  const layouts = shapes.map(({ node, inbox }) => layoutOf(program.nodes[node]!, inbox))
  return {
    name: 'outcome',
    meaning: `What the registers hold in the end is one of the allowed outcomes of ${program.name}.`,
    check(observer: Observer): string | undefined {
      for (let node = 0; node < layouts.length; node++) {
        if (!observer.isUp(node)) return undefined
        const { counters } = observer.state(node, layouts[node]!)
        const { threads } = program.nodes[node]!
        for (let i = 0; i < threads.length; i++)
          if (threads[i]!.operations[counters.get(i)]!.action.kind !== 'end') return undefined
      }
      const values = privateValues(program, (node) => observer.state(node, layouts[node]!))
      if (allowsPrivate(program, values)) return undefined
      const told = program.observables.flatMap(({ text }, i) =>
        values[i] === undefined ? [] : [`${text}=${values[i]}`],
      )
      return `All threads have come to their end with ${told.join(' ')}, which no allowed outcome has.`
    },
  }
}

const actionsOf = ({ threads }: NodeProgram): readonly Action[] =>
  threads.flatMap(({ operations }) => operations.map(({ action }) => action))

const hasPinnedFaults = ({ nodes }: LitmusProgram): boolean =>
  nodes.some((node) => actionsOf(node).some(({ kind }) => kind === 'fault'))

function postingsOf(node: NodeProgram): Posting[] {
  return actionsOf(node).flatMap((action) => ('posting' in action ? [action.posting] : []))
}

// ---- sizes

function fabricOf(program: LitmusProgram): RdmaFabric | undefined {
  const { nodes, fabric } = program
  const actions = nodes.flatMap(actionsOf)
  const isUsed = actions.some((action) => 'posting' in action || action.kind === 'control')
  if (!isUsed && Object.keys(fabric).length === 0) return undefined
  const pairs = actions.flatMap((action) =>
    'posting' in action ? [action.posting.pair] : action.kind === 'control' ? [action.pair] : [],
  )
  const isToItself = nodes.some((node, i) => postingsOf(node).some(({ peer }) => peer === i))
  return {
    pairsPerPeer: 1 + Math.max(0, ...pairs),
    sendQueueDepth: Math.max(1, ...nodes.flatMap(depthsOf)),
    requestBytes: Math.max(16, ...actions.map(bytesOf)),
    receiveQueueDepth: Math.max(0, ...nodes.map((_, to) => arrivalsOf(program, to).slots)),
    initialRights: Right.all,
    ...(isToItself ? { loopback: true } : {}),
    ...fabric,
  }
}

/** Requests that one end may have to hold, for each end of a node. */
function depthsOf(node: NodeProgram): number[] {
  const ends = new Map<string, number>()
  for (const { peer, pair } of postingsOf(node)) {
    const end = `${String(peer)}#${String(pair)}`
    ends.set(end, (ends.get(end) ?? 0) + 1)
  }
  return [...ends.values()]
}

function bytesOf(action: Action): number {
  switch (action.kind) {
    case 'write':
      return 8 * action.to.words
    case 'read':
      return 8 * action.from.words
    case 'send':
    case 'append':
    case 'store':
      return 8 * action.values.length
    case 'load':
      return 8 * action.from.words
    case 'await':
    case 'compareSwap':
    case 'fetchAdd':
    case 'bind':
    case 'receive':
    case 'wait':
    case 'control':
    case 'protect':
    case 'flush':
    case 'truncate':
    case 'recovered':
    case 'clock':
    case 'awaitClock':
    case 'fault':
    case 'end':
      return 8
  }
}

/** Messages and notifications that may wait at a node. */
function arrivalsOf(program: LitmusProgram, to: NodeId): InboxShape {
  const arriving = program.nodes.flatMap((node) =>
    actionsOf(node).filter(
      (action) =>
        'posting' in action &&
        action.posting.peer === to &&
        (action.kind === 'send' || (action.kind === 'write' && action.immediate !== undefined)),
    ),
  )
  const words = arriving.map((action) => (action.kind === 'send' ? action.values.length : 1))
  return { slots: arriving.length, words: Math.max(0, ...words) }
}

const diskUse: readonly Action['kind'][] = ['append', 'flush', 'truncate', 'recovered']

function diskOf({ nodes, disk }: LitmusProgram): SystemModel['disk'] {
  const actions = nodes.flatMap(actionsOf).filter(({ kind }) => diskUse.includes(kind))
  if (actions.length === 0) return undefined
  const bytes = nodes.map((node) =>
    actionsOf(node).reduce((sum, action) => sum + (action.kind === 'append' ? 4 + bytesOf(action) : 0), 0),
  )
  const flushes = nodes.map((node) => actionsOf(node).filter(({ kind }) => kind === 'flush').length)
  return {
    capacityBytes: disk.capacityBytes ?? Math.max(16, ...bytes),
    flushes: disk.flushes ?? Math.max(1, ...flushes),
  }
}

function clockOf({ nodes, clock }: LitmusProgram): SystemModel['clock'] {
  const asks = nodes.flatMap(actionsOf).filter(({ kind }) => kind === 'clock' || kind === 'awaitClock')
  if (asks.length === 0) return undefined
  const ticks = asks.map((action) => (action.kind === 'awaitClock' ? action.value : 1))
  return {
    tickMicros: 100,
    mostTicks: clock.mostTicks ?? Math.max(1, ...ticks),
    driftTicks: clock.driftTicks ?? 1,
  }
}

function shapesOf(program: LitmusProgram, pairsPerPeer: number): CoreShape[] {
  const disk = diskOf(program)
  return program.nodes.map((node, i): CoreShape => {
    const { regions } = node
    const inbox = arrivalsOf(program, i)
    const regionBytes = regions.flatMap(({ variables }) => variables.map(({ span }) => 8 * span.words))
    const scratchBytes = Math.max(
      64,
      ...regionBytes,
      8 * inbox.words,
      ...actionsOf(node).map(bytesOf),
      // A record is handed out with its framing, and the input holds them all.
      2 * (disk?.capacityBytes ?? 0),
    )
    return { program, node: i, inbox, pairsPerPeer, scratchBytes }
  })
}

/** Nodes that a free fault never strikes, because the program names others. */
function sparedOf({ faults, nodes }: LitmusProgram): Partial<Record<FaultKind, readonly NodeId[]>> {
  const spared: Partial<Record<FaultKind, readonly NodeId[]>> = {}
  for (const { target } of faults) {
    const struck = faults.filter((each) => each.target.kind === target.kind).map((each) => each.target.node)
    if (struck.includes(undefined)) continue
    spared[target.kind] = nodes.flatMap((_, node) => (struck.includes(node) ? [] : [node]))
  }
  return spared
}
