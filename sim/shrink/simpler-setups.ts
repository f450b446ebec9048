/** Setups that are one step simpler than another, and how a schedule reads in them; and the way back. */
import { type FaultKind, type Knobs, type SystemDefinition, faultKinds } from '../../protocol/index.js'
import type { Setup } from '../run/setup.js'
import { type Schedule, isFault, kindOf } from './schedule.js'

export interface SimplerSetup {
  readonly setup: Setup
  /** The schedule's actions under the names that they have in it. */
  rename(schedule: Schedule): Schedule
}

/** Rules that are switched off stay so: they are what a run is about. */
const simplestKnobs: Omit<Knobs, 'broken'> = {
  poll: 'atomic',
  placement: 'in-order',
  fetch: 'at-departure',
  visibility: 'prompt',
  psn: 'derived',
}
const same = (schedule: Schedule): Schedule => schedule

/** From the boldest to the most timid. */
export function simplerSetups(
  definition: SystemDefinition,
  setup: Setup,
  schedule: Schedule,
): SimplerSetup[] {
  return [
    ...fewerNodes(definition, setup),
    ...twoNodesFewer(definition, setup),
    ...smallerParameters(definition, setup),
    ...simplerKnobs(setup),
    ...usedBudget(setup, schedule),
  ]
}

function fewerNodes(definition: SystemDefinition, setup: Setup): SimplerSetup[] {
  if (setup.nodes <= definition.nodes.minimum) return []
  // A system may have nodes of its own beside those that are counted, so any name up to one more may be the last.
  return Array.from({ length: setup.nodes + 1 }, (_, i) => setup.nodes - i).map((dropped) => ({
    setup: { ...setup, nodes: setup.nodes - 1 },
    rename: (schedule) =>
      schedule
        .filter(({ site }) => !new RegExp(`\\bn${String(dropped)}\\b`).test(site))
        .map((action) => ({ ...action, site: closeGap(action.site, dropped) })),
  }))
}

/** Majorities shrink when two nodes go at once. */
function twoNodesFewer(definition: SystemDefinition, setup: Setup): SimplerSetup[] {
  return fewerNodes(definition, setup).flatMap((first) =>
    fewerNodes(definition, first.setup).map((second) => ({
      setup: second.setup,
      rename: (schedule) => second.rename(first.rename(schedule)),
    })),
  )
}

const closeGap = (site: string, dropped: number): string =>
  site.replace(
    /\bn(\d+)\b/g,
    (_, node: string) => `n${String(Number(node) > dropped ? Number(node) - 1 : Number(node))}`,
  )

function smallerParameters(definition: SystemDefinition, setup: Setup): SimplerSetup[] {
  const simpler: SimplerSetup[] = []
  for (const [name, parameter] of Object.entries(definition.parameters)) {
    const value = setup.parameters[name] ?? parameter.default
    for (let distance = value - parameter.minimum; distance >= 1; distance = Math.floor(distance / 2))
      simpler.push({
        setup: { ...setup, parameters: { ...setup.parameters, [name]: value - distance } },
        rename: same,
      })
  }
  return simpler
}

function simplerKnobs(setup: Setup): SimplerSetup[] {
  return (Object.keys(simplestKnobs) as (keyof typeof simplestKnobs)[])
    .filter((knob) => setup.knobs[knob] !== simplestKnobs[knob])
    .map((knob) => ({
      setup: { ...setup, knobs: { ...setup.knobs, [knob]: simplestKnobs[knob] } },
      rename: same,
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
  return isSame ? [] : [{ setup: { ...setup, budget: budget }, rename: same }]
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
