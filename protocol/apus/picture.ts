/** How people look at the log of a replica: as the ring of bytes that it is, with what the replica knows of its entries. */
import type { NodeId } from '../contract.js'
import type { LogRing, LogRingEntry, Observer } from '../system.js'
import { type ApusLayouts, entryHeader, entryKind, Region } from './layout.js'
import { entryText } from './spec-views.js'

export function ringsOf(layouts: ApusLayouts): (observer: Observer, node: NodeId) => readonly LogRing[] {
  return (observer, node) => {
    const state = observer.state(node, layouts.state)
    const { head, end, commit, endPosition } = state
    const { applied } = state.machine
    const first = Math.max(1, head)
    const place = (index: number): number =>
      (index > end ? endPosition : state.log.at(index % layouts.retained).position) % layouts.logBytes
    const entries: LogRingEntry[] = []
    for (let index = first; index <= end; index++) {
      const { view, bytes } = state.log.at(index % layouts.retained)
      entries.push({
        index,
        view,
        offset: place(index),
        sizeBytes: layouts.entryBytes(bytes),
        text: entryText(layouts, state, index),
        state: index <= applied ? 'applied' : index <= commit ? 'committed' : 'uncommitted',
      })
    }
    const landed = landedAfter(layouts, observer, node, end + 1, place(end + 1))
    return [
      {
        region: Region.log,
        sizeBytes: layouts.logBytes,
        marks: [
          ...(end >= first ? [{ name: 'head', index: first, offset: place(first) }] : []),
          ...[
            { name: 'applied', index: applied },
            { name: 'commit', index: commit },
          ].flatMap(({ name, index }) =>
            index >= first && index <= end ? [{ name, index, offset: place(index) }] : [],
          ),
          { name: 'end', index: end + 1, offset: place(end + 1) },
        ],
        entries: landed === undefined ? entries : [...entries, landed],
      },
    ]
  }
}

/** What a peer has written behind the last entry, in whole or in part, under the index that comes next. */
function landedAfter(
  layouts: ApusLayouts,
  observer: Observer,
  node: NodeId,
  index: number,
  offset: number,
): LogRingEntry | undefined {
  const { memory, base } = observer.region(node, Region.log, layouts.log).bytes
  const header = entryHeader.view(memory, base + offset)
  const { sizeBytes } = entryHeader
  if (header.index !== index || header.bytes > layouts.mostEntryBytes - sizeBytes) return undefined
  const { kind, client, sequence } = header
  const text =
    kind === entryKind.code.request
      ? `request ${sequence} of client ${client}`
      : `a ${entryKind.names[kind] ?? `kind ${kind}`}`
  return {
    index,
    view: header.view,
    offset,
    sizeBytes: layouts.entryBytes(header.bytes),
    text,
    state: 'seen',
  }
}
