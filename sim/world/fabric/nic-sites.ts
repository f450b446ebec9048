/** The sites of a node's NIC as a whole: registering memory anew, and the completion queue. */
import { Handler, Status, noQueuePair } from '../../../protocol/index.js'
import { Outcome, single } from '../site.js'
import type { World } from '../world.js'
import type { Fabric } from './fabric.js'

export function nicSites(world: World, fabric: Fabric, node: number): void {
  const core = world.nodes[node]!
  const registrations = fabric.registrations[node]!
  const name = world.nodeName(node)
  const outgoing = fabric.flows.filter((flow) => flow.from === node)
  const incoming = fabric.flows.filter((flow) => flow.to === node)
  const part = registrations.part.index
  world.addSite({
    ...single,
    kind: 'control',
    name: `protect ${name}`,
    gate: registrations.protectGate,
    node,
    from: -1,
    guards: [part, ...core.readyParts],
    reads: core.reads,
    writes: [...core.writes, part, ...incoming.map((flow) => flow.queue.index)],
    armed() {
      const phase = registrations.protectPhase()
      return (phase === 1 && core.isRunning()) || (phase === 2 && core.ready()) ? 1 : 0
    },
    step() {
      if (registrations.protectPhase() === 1) {
        registrations.applyProtect()
        if (!fabric.rules.acceptedStays) for (const flow of incoming) fabric.accepted.drop(flow)
      } else core.run(Handler.completion, noQueuePair, registrations.finishProtect(), Status.ok)
      return Outcome.moved
    },
    subject: () => registrations.protectPhase(),
    find(subject) {
      return this.armed() > 0 && registrations.protectPhase() === subject ? 0 : -1
    },
    describe: () => (registrations.protectPhase() === 1 ? 'takes effect' : 'returns'),
  })
  const depth = fabric.model.completionQueueDepth
  if (depth === undefined || !fabric.rules.completionOverrun) return
  const ends = outgoing.flatMap((flow) => [flow.queue.index, flow.end.index])
  world.addSite({
    ...single,
    kind: 'overrun',
    name: `overrun ${name}`,
    node,
    from: -1,
    guards: [part, world.links.index, ...ends],
    reads: [
      ...world.nodes[node]!.parts.regions.map((region) => region.index),
      ...outgoing.map((flow) => fabric.opposite(flow).end.index),
    ],
    writes: [
      part,
      ...ends,
      ...outgoing.flatMap((flow) => [
        fabric.registrations[flow.to]!.part.index,
        ...world.nodes[flow.to]!.parts.regions.map((region) => region.index),
      ]),
    ],
    armed() {
      if (registrations.completionsBroken) return 0
      let ready = 0
      for (const flow of outgoing) ready += fabric.requester.readyCompletions(flow)
      return ready > depth ? 1 : 0
    },
    step() {
      registrations.breakCompletions()
      for (const flow of outgoing) fabric.requester.toError(flow)
      return Outcome.moved
    },
    describe: () => 'the completion queue is full',
  })
}
