/** Where the bytes of a world lie: its parts, in the order that fingerprints and traces know them by. */
import { type Knobs, type NodeId, type SystemModel, array, struct, u32 } from '../../protocol/index.js'
import { planClient } from './clients.js'
import { planClock } from './clock.js'
import { type DiskParts, planDisk } from './disk.js'
import { type Flow, planFlow } from './fabric/flow.js'
import { planRegistrations } from './fabric/registrations.js'
import { budgetLayout } from './faults.js'
import { type Limits, limitsLayout } from './limits.js'
import { MemoryPlan } from './memory.js'
import { type Channel, planChannel } from './network.js'
import { planNode } from './node-parts.js'

export const nodeName = (node: NodeId): string => `n${String(node)}`

export function planWorld(model: SystemModel, knobs: Knobs, limited: Limits) {
  const n = model.cores.length
  const plan = new MemoryPlan()
  const nodeParts = model.cores.map((core, i) => planNode(plan, nodeName(i), i, core, knobs.poll === 'loads'))
  const diskParts: DiskParts[] = []
  const { disk } = model
  if (disk !== undefined) for (let i = 0; i < n; i++) diskParts.push(planDisk(plan, nodeName(i), i, disk))
  const { clock } = model
  const clockParts =
    clock === undefined ? [] : model.cores.map((_, i) => planClock(plan, nodeName(i), i, clock))
  const channels = planChannels(plan, model)
  const flows = planFlows(plan, model)
  const registrations =
    model.fabric === undefined
      ? []
      : model.cores.map((core, i) => planRegistrations(plan, nodeName(i), i, core))
  const { workload } = model
  const clientParts = workload?.clients.map((_, i) => planClient(plan, i, workload)) ?? []
  // Bits: of `cut` per target node, of `severed` per queue pair of an ordered pair of nodes.
  const ways = { cut: array(u32, n), severed: array(u32, model.fabric === undefined ? 1 : n * n) }
  const links = plan.part('links', 'links', -1, struct(ways))
  const budgets = plan.part('fault budgets', 'budgets', -1, budgetLayout)
  const allowance = limitsLayout(limited)
  const limits = allowance === undefined ? undefined : plan.part('limits', 'budgets', -1, allowance)
  return {
    memory: plan.build(),
    nodes: nodeParts,
    disks: diskParts,
    clocks: clockParts,
    clients: clientParts,
    channels,
    flows,
    registrations,
    links,
    budgets,
    limits,
  }
}

function planChannels(plan: MemoryPlan, model: SystemModel): (Channel | undefined)[] {
  const n = model.cores.length
  const { network } = model
  const channels: (Channel | undefined)[] = []
  for (let from = 0; from < n; from++)
    for (let to = 0; to < n; to++)
      channels.push(
        network === undefined || from === to
          ? undefined
          : planChannel(plan, network, from, to, `messages ${nodeName(from)}→${nodeName(to)}`),
      )
  return channels
}

function planFlows(plan: MemoryPlan, model: SystemModel): Flow[] {
  const { fabric } = model
  const n = model.cores.length
  const flows: Flow[] = []
  if (fabric === undefined) return flows
  for (let from = 0; from < n; from++)
    for (let to = 0; to < n; to++)
      for (let pair = 0; (from !== to || fabric.loopback === true) && pair < fabric.pairsPerPeer; pair++) {
        const name = `queue pair ${nodeName(from)}→${nodeName(to)} #${String(pair)}`
        flows.push(planFlow(plan, fabric, flows.length, from, to, pair, name))
      }
  return flows
}
