/** The truth of one property over positions, as the positions at which it changes. */
import { Column, countUpTo } from './columns.js'
import { Truth, type TruthRow } from './protocol.js'

export class TruthLog {
  readonly #from = new Column(Uint32Array, 4)
  readonly #value = new Column(Uint8Array, 4)

  /** To be called with rising positions. Returns whether the property became another one than before. */
  set(at: number, value: number): boolean {
    const last = this.#from.length - 1
    if (last >= 0 && this.#value.at(last) === value) return false
    if (last >= 0 && this.#from.at(last) === at) this.#value.set(last, value)
    else {
      this.#from.push(at)
      this.#value.push(value)
    }
    return last >= 0
  }
  /** Forgets what was: from the start on the property is this. */
  restart(value: number): void {
    this.#from.length = 0
    this.#value.length = 0
    this.set(0, value)
  }
  at(position: number): number {
    const i = countUpTo(this.#from.view(), position) - 1
    return i < 0 ? Truth.unknown : this.#value.at(i)
  }
  /** With what lies beyond `known` unknown. */
  row(property: number, known: number, length: number): TruthRow {
    const from = this.#from.slice()
    const value = this.#value.slice()
    if (known >= length) return { property, from, value }
    return {
      property,
      from: Uint32Array.from([...from, known + 1]),
      value: Uint8Array.from([...value, Truth.unknown]),
    }
  }
}
