/** Where each lane is drawn: a group for each node and client, a row for each of its lanes on which something happens. */
import type { WorldInfo } from '../../session/protocol.js'

interface Row {
  readonly lane: number
  readonly title: string
  readonly y: number
  readonly height: number
}
export interface Group {
  readonly title: string
  /** -1 for clients and links. */
  readonly node: number
  readonly y: number
  readonly height: number
  readonly rows: readonly Row[]
}
export interface Rows {
  readonly groups: readonly Group[]
  /** Middle of each lane; of a lane that has no row, that of its group. */
  readonly middle: Float64Array
  /** Half of the height of a lane's row, 0 where it has none. */
  readonly half: Float64Array
  readonly bottom: number
}

const gap = 7
const highest = 54
const lowest = 5
const subLaneTitles: Readonly<Record<string, string>> = {
  cpu: 'CPU',
  nic: 'NIC',
  memory: 'memory',
  disk: 'disk',
  client: '',
  links: '',
}

/**
 * @param used lanes on which something happens; CPU lanes and clients have a row in any case
 */
export function layRows(
  world: WorldInfo,
  used: (lane: number) => boolean,
  top: number,
  height: number,
): Rows {
  const drawn = world.lanes
    .map((lane, index) => ({ ...lane, index }))
    .filter((lane) => used(lane.index) || lane.kind === 'cpu' || lane.kind === 'client')
  const keyOf = (lane: { readonly node: number; readonly client: number }): string =>
    lane.node >= 0 ? `n${String(lane.node)}` : `c${String(lane.client)}`
  const keys = [...new Set(drawn.map(keyOf))]
  const room = height - gap * keys.length
  const rowHeight = Math.max(lowest, Math.min(highest, room / Math.max(1, drawn.length)))

  const middle = new Float64Array(world.lanes.length).fill(-1)
  const half = new Float64Array(world.lanes.length)
  const groups: Group[] = []
  let y = top + gap / 2
  for (const key of keys) {
    const rows: Row[] = []
    const groupY = y
    const lanes = drawn.filter((lane) => keyOf(lane) === key)
    for (const lane of lanes) {
      rows.push({ lane: lane.index, title: subLaneTitles[lane.kind] ?? '', y, height: rowHeight })
      middle[lane.index] = y + rowHeight / 2
      half[lane.index] = rowHeight / 2
      y += rowHeight
    }
    const { node, client } = lanes[0]!
    const title = node >= 0 ? world.nodes[node]!.name : client >= 0 ? world.clients[client]! : 'links'
    groups.push({ title, node, y: groupY, height: y - groupY, rows })
    y += gap
  }
  for (const [index, lane] of world.lanes.entries()) {
    if (middle[index]! >= 0) continue
    const group = groups.find((one) => one.node === lane.node && lane.node >= 0)
    if (group !== undefined) middle[index] = group.y + group.height / 2
  }
  return { groups, middle, half, bottom: y }
}
