/** All that can happen in a world: its sites, in the order that action logs number them in. */
import { clientSites } from './client-sites.js'
import { clockSites } from './clock.js'
import { diskSites } from './disk.js'
import { nicSites } from './fabric/nic-sites.js'
import { flowSites } from './fabric/sites.js'
import { calmSite, linkFaultSites, nodeFaultSites } from './faults.js'
import { channelSites } from './network.js'
import { nodeSites } from './node-sites.js'
import type { World } from './world.js'

/** A handler may write its own disk, the channels and queue pairs that leave its node, and replies. */
export function completeFootprints(world: World): void {
  for (const node of world.nodes) {
    for (const channel of world.channels)
      if (channel?.from === node.index) node.writes.push(channel.part.index)
    const disk = world.disks[node.index]
    if (disk !== undefined) node.writes.push(disk.part.index)
    for (const flow of world.fabric?.flows ?? [])
      if (flow.from === node.index) node.writes.push(flow.end.index, flow.queue.index)
    const nic = world.fabric?.registrations[node.index]
    if (nic !== undefined) node.writes.push(nic.part.index)
    for (const client of world.clients?.parts ?? []) node.writes.push(client.replies.index)
  }
}

export function buildSites(world: World): void {
  const { network } = world.model
  for (const node of world.nodes) nodeSites(world, node)
  for (const [i, disk] of world.disks.entries()) diskSites(world, world.nodes[i]!, disk)
  if (world.clocks !== undefined) clockSites(world, world.clocks)
  for (const channel of world.channels)
    if (network !== undefined && channel !== undefined) channelSites(world, network, channel)
  if (world.fabric !== undefined) {
    for (const flow of world.fabric.flows) flowSites(world, world.fabric, flow)
    for (const node of world.nodes) nicSites(world, world.fabric, node.index)
  }
  if (world.clients !== undefined)
    for (let client = 0; client < world.clients.parts.length; client++)
      clientSites(world, world.clients, client)
  for (const node of world.nodes) nodeFaultSites(world, node.index)
  if (network !== undefined || world.fabric !== undefined)
    for (let from = 0; from < world.nodeCount; from++)
      for (let to = 0; to < world.nodeCount; to++) if (from !== to) linkFaultSites(world, from, to)
  calmSite(world)
}
