/**
 * Ceilings: a step after which a field of a node's private memory is above its ceiling is not part of the model. So
 * "views up to 1" bounds what would go on for ever. How many such steps there were is counted and printed.
 */
import { decode } from '../protocol/index.js'
import type { World } from '../sim/world/world.js'

/** By the name of a field of private memory the greatest value that it may have at any node. */
export type Ceilings = Readonly<Record<string, number>>

/** A ceiling over nothing that a system has. */
export class UnknownField extends RangeError {
  constructor(readonly field: string) {
    super(`no node has a number ${field} in its private memory`)
  }
}

const numberKinds: readonly string[] = ['u8', 'u16', 'u32', 'u64']

interface Watched {
  readonly most: number
  read(): number
}

export class CeilingCheck {
  readonly #watched: readonly Watched[]

  constructor({ nodes, memory }: World, ceilings: Ceilings) {
    this.#watched = Object.entries(ceilings).flatMap(([name, most]) => {
      const found = nodes.flatMap(({ parts: { state } }): Watched[] => {
        const field = state.layout.fields.find((each) => each.name === name)
        if (field === undefined || !numberKinds.includes(field.layout.kind)) return []
        const { layout } = field
        const at = state.offset + field.offset
        return [{ most, read: () => Number(decode(layout, memory.view, at)) }]
      })
      if (found.length === 0) throw new UnknownField(name)
      return found
    })
  }

  /** Whether something is above its ceiling now. */
  isExceeded(): boolean {
    for (let i = 0; i < this.#watched.length; i++)
      if (this.#watched[i]!.read() > this.#watched[i]!.most) return true
    return false
  }
}
