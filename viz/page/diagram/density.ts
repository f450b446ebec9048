/**
 * Many actions to few cells: per lane and column of pixels how many there are and which family most of them have, by one
 * pass over the actions and the majority vote of Boyer and Moore. Drawing then costs what the screen costs, not the run.
 */
import type { StepColumns } from '../../session/protocol.js'

export interface Density {
  readonly columns: number
  readonly lanes: number
  /** Cell (lane, column) is at `lane * columns + column`. */
  readonly counts: Uint32Array
  /** The vote: a family that has a majority in a cell is there; another may be there where none has. */
  readonly family: Uint8Array
  readonly most: number
}

/**
 * @param from,to the actions in view: from … to - 1
 * @param columnOf affine: column of action i is `floor((i + 0.5) * perAction + offset)`
 * @param into arrays of an earlier call, used again where they fit
 */
export function densityOf(
  steps: Pick<StepColumns, 'kind' | 'lane'>,
  familyOfKind: Uint8Array,
  range: { readonly from: number; readonly to: number },
  columnOf: { readonly perAction: number; readonly offset: number },
  columns: number,
  lanes: number,
  into?: Density,
): Density {
  const cells = columns * lanes
  const fits = into !== undefined && into.counts.length === cells
  const counts = fits ? into.counts.fill(0) : new Uint32Array(cells)
  const family = fits ? into.family : new Uint8Array(cells)
  const lead = new Uint32Array(cells)
  const { kind, lane } = steps
  const { perAction, offset } = columnOf
  let most = 0
  for (let i = range.from; i < range.to; i++) {
    const column = Math.floor((i + 0.5) * perAction + offset)
    if (column < 0 || column >= columns) continue
    const cell = lane[i]! * columns + column
    const count = ++counts[cell]!
    if (count > most) most = count
    const its = familyOfKind[kind[i]!]!
    if (lead[cell] === 0) {
      family[cell] = its
      lead[cell] = 1
    } else if (family[cell] === its) lead[cell]!++
    else lead[cell]!--
  }
  return { columns, lanes, counts, family, most }
}
