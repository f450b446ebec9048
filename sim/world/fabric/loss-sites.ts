/** The faults of a flow: packets, answers and whole ways that are lost. */
import { Outcome, single } from '../site.js'
import type { World } from '../world.js'
import type { Fabric } from './fabric.js'
import { type Flow, countAt, requestOf } from './flow.js'

/**
 * @param path the flow in names of sites
 * @param name words for a request of the flow
 */
export function lossSites(
  world: World,
  fabric: Fabric,
  flow: Flow,
  path: string,
  name: (request: number) => string,
): void {
  const { late } = fabric
  world.addFaultWhenBudgeted('retransmit', flow.from, {
    kind: 'retransmit',
    name: `retransmit ${path}`,
    gate: flow.queueBase + countAt,
    node: flow.from,
    from: -1,
    guards: [flow.queue.index, flow.end.index],
    reads: [],
    writes: [flow.queue.index],
    armed: () => (late.repeatable(flow) >= 0 ? 1 : 0),
    step() {
      late.repeat(flow, late.repeatable(flow))
      return Outcome.moved
    },
    subject: () => fabric.ordinal(flow, late.repeatable(flow)),
    find(subject) {
      return this.armed() > 0 && this.subject(0) === subject ? 0 : -1
    },
    describe: () => name(requestOf(flow, late.repeatable(flow))),
  })
  const links = [world.links.index]
  const severing = {
    ...single,
    node: flow.to,
    from: flow.from,
    guards: links,
    reads: [],
    writes: links,
    describe: () => '',
  }
  world.addFaultWhenBudgeted('sever', flow.to, {
    ...severing,
    kind: 'sever',
    name: `sever ${path}`,
    armed: () => (world.isSevered(flow.from, flow.to, flow.pair) ? 0 : 1),
    step() {
      world.setSevered(flow.from, flow.to, flow.pair, true)
      return Outcome.moved
    },
  })
  world.addFaultWhenBudgeted('mend', flow.to, {
    ...severing,
    kind: 'mend',
    name: `mend ${path}`,
    armed: () => (world.isSevered(flow.from, flow.to, flow.pair) ? 1 : 0),
    step() {
      world.setSevered(flow.from, flow.to, flow.pair, false)
      return Outcome.moved
    },
  })
}
