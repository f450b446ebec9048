/** What is worth a mark: faults, role changes, decisions, what invariants do, notes, replies, changes of rights. */
import { Column, countUpTo } from './columns.js'
import { type Mark, type MarkKind, markKinds } from './protocol.js'

export class MarkTable {
  readonly #kind = new Column(Uint8Array)
  readonly #action = new Column(Uint32Array)
  readonly #node = new Column(Int8Array)
  readonly #a = new Column(Int32Array)
  readonly #b = new Column(Float64Array)
  readonly #words: (kind: MarkKind, action: number, node: number, a: number, b: number) => string

  /** @param words what to say of a mark, from the two numbers that it was added with */
  constructor(words: (kind: MarkKind, action: number, node: number, a: number, b: number) => string) {
    this.#words = words
  }
  add(kind: MarkKind, action: number, node: number, a = 0, b = 0): void {
    this.#kind.push(markKinds.indexOf(kind))
    this.#action.push(action)
    this.#node.push(node)
    this.#a.push(a)
    this.#b.push(b)
  }
  between(from: number, to: number, kinds: readonly MarkKind[] | undefined, limit: number): readonly Mark[] {
    const marks: Mark[] = []
    const actions = this.#action.view()
    const end = countUpTo(actions, to - 1)
    for (let i = countUpTo(actions, from - 1); i < end && marks.length < limit; i++) {
      const kind = markKinds[this.#kind.at(i)]!
      if (kinds !== undefined && !kinds.includes(kind)) continue
      const node = this.#node.at(i)
      const action = actions[i]!
      marks.push({ kind, action, node, text: this.#words(kind, action, node, this.#a.at(i), this.#b.at(i)) })
    }
    return marks
  }
  /** The nearest action after `action` (or before it) that has a mark of one of the kinds, or -1. */
  next(action: number, direction: 1 | -1, kinds: readonly MarkKind[], node: number | undefined): number {
    const actions = this.#action.view()
    const codes = kinds.map((kind) => markKinds.indexOf(kind))
    let i = direction === 1 ? countUpTo(actions, action) : countUpTo(actions, action - 1) - 1
    for (; i >= 0 && i < actions.length; i += direction)
      if (codes.includes(this.#kind.at(i)) && (node === undefined || this.#node.at(i) === node))
        return actions[i]!
    return -1
  }
}
