/** What the space-time diagram is drawn from: steps as columns, and a run aggregated to buckets. */
import { actionKinds } from '../../sim/index.js'
import type { Branch } from './branch.js'
import { type Overview, StepFlag, type StepColumns } from './protocol.js'
import { faultFrom } from './world-info.js'

const noKind = 255

/** Flags of an action: faults from the schedule alone, the rest as far as it is indexed. */
function flagsOf(branch: Branch, action: number, kind: number): number {
  const fault = kind >= faultFrom ? StepFlag.fault : 0
  return action < branch.index.known ? branch.index.flags.at(action) | fault : fault
}

export function stepColumns(branch: Branch, from: number, to: number): StepColumns {
  const { log, stage, index } = branch
  const { sites } = stage.info
  const count = to - from
  const columns = {
    from,
    to,
    site: new Uint16Array(count),
    subject: new Float64Array(count),
    kind: new Uint8Array(count),
    lane: new Uint16Array(count),
    node: new Int8Array(count),
    peer: new Int8Array(count),
    client: new Int8Array(count),
    flags: new Uint8Array(count),
    known: index.known,
  }
  for (let i = 0; i < count; i++) {
    const site = log.site(from + i)
    const { kind, lane, node, peer, client } = sites[site]!
    columns.site[i] = site
    columns.subject[i] = log.subject(from + i)
    columns.kind[i] = kind
    columns.lane[i] = lane
    columns.node[i] = node
    columns.peer[i] = peer
    columns.client[i] = client
    columns.flags[i] = flagsOf(branch, from + i, kind)
  }
  return columns
}

export function overviewOf(branch: Branch, from: number, to: number, buckets: number): Overview {
  const { log, stage, index } = branch
  const { sites, lanes, nodes } = stage.info
  const cells = lanes.length * buckets
  const counts = new Uint32Array(cells)
  const flags = new Uint8Array(cells)
  const kinds = actionKinds.length
  const byKind = new Uint32Array(cells * kinds)
  const laneOf = Uint16Array.from(sites, ({ lane }) => lane)
  const kindOf = Uint8Array.from(sites, ({ kind }) => kind)
  const perAction = buckets / Math.max(1, to - from)
  const bucketOf = (action: number): number => Math.min(buckets - 1, Math.floor((action - from) * perAction))
  const known = index.known
  const known8 = index.flags.view()
  for (let i = from; i < to; i++) {
    const site = log.site(i)
    const kind = kindOf[site]!
    const cell = laneOf[site]! * buckets + bucketOf(i)
    counts[cell]!++
    byKind[cell * kinds + kind]!++
    flags[cell]! |= (i < known ? known8[i]! : 0) | (kind >= faultFrom ? StepFlag.fault : 0)
  }
  const kind = new Uint8Array(cells).fill(noKind)
  for (let cell = 0; cell < cells; cell++) {
    let most = 0
    for (let k = 0; k < kinds; k++)
      if (byKind[cell * kinds + k]! > most) {
        most = byKind[cell * kinds + k]!
        kind[cell] = k
      }
  }
  const n = nodes.length
  const arrows = new Uint32Array(n * n * buckets)
  if (known > 0)
    index.arrows.forEachBegin(from, Math.min(to, known), (action, source, target) => {
      arrows[(source * n + target) * buckets + bucketOf(action)]!++
    })
  return { from, to, buckets, lanes: lanes.length, counts, kind, flags, arrows, known }
}
