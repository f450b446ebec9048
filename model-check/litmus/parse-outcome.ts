/** The lines below the columns: what is observed, and which outcomes are allowed and forbidden. */
import { statusNames } from '../../protocol/index.js'
import { LitmusError, type Place } from './errors.js'
import { type Ending, type Observable, type Row, endings } from './program.js'
import type { NodeScope } from './scope.js'

const mostAlternatives = 64

/** A word of an outcome line; words end at blanks. */
interface Piece extends Place {
  readonly text: string
}

interface DraftRow {
  readonly kind: 'allowed' | 'forbidden'
  readonly pieces: readonly Piece[]
}

export class OutcomeReader {
  readonly #file: string
  readonly #scopes: readonly NodeScope[]
  readonly #observables: Observable[] = []
  readonly #drafts: DraftRow[] = []
  #section: 'observe' | 'allowed' | 'forbidden' | undefined
  #isObserved = false

  constructor(file: string, scopes: readonly NodeScope[]) {
    this.#file = file
    this.#scopes = scopes
  }

  /** Reads one line. */
  line(text: string, line: number): void {
    const head = /^\s*(observe|allowed|forbidden)\s*:/.exec(text)
    if (head !== null) this.#section = head[1] as 'observe' | 'allowed' | 'forbidden'
    const begin = head?.[0].length ?? 0
    for (const part of partsOf(text, begin)) {
      const pieces = piecesOf(part.text, line, part.column)
      if (pieces.length === 0) continue
      if (this.#section === 'observe') for (const piece of pieces) this.#observe(piece)
      else this.#drafts.push({ kind: this.#section!, pieces })
    }
    if (this.#section === 'observe') this.#isObserved = true
  }

  finish(): { observables: readonly Observable[]; allowed: readonly Row[]; forbidden: readonly Row[] } {
    if (!this.#isObserved)
      for (const { pieces } of this.#drafts)
        for (const piece of pieces) {
          const name = /^([^=]+)=/.exec(piece.text)?.[1]
          if (name !== undefined && this.#indexOf(name) < 0) this.#observe({ ...piece, text: name })
        }
    const rows = (kind: 'allowed' | 'forbidden'): Row[] =>
      this.#drafts.filter((draft) => draft.kind === kind).map((draft) => this.#row(draft))
    return { observables: this.#observables, allowed: rows('allowed'), forbidden: rows('forbidden') }
  }

  #indexOf(name: string): number {
    return this.#observables.findIndex(({ text }) => text === name)
  }

  #fail(piece: Piece, problem: string, mend: string, known: readonly string[] = []): never {
    const { line, column, text } = piece
    throw new LitmusError(
      this.#file,
      { line, column },
      `${problem}, found ${JSON.stringify(text)}`,
      mend,
      text,
      known,
    )
  }

  #observe(piece: Piece): void {
    const name = piece.text.replace(/,$/, '')
    const [, node = '', sign = '', rest = '', , index] =
      /^n(\d)([:.])([A-Za-z]\w*)(\[(\d+)\])?$/.exec(name) ?? []
    const scope = this.#scopes[Number(node)]
    if (node === '' || scope === undefined)
      this.#fail(
        piece,
        'expected something to observe',
        'a register (n1:r0), the status of a label (n0:a) or a word of memory (n1.x, n1.b[2])',
      )
    if (this.#indexOf(name) >= 0) this.#fail(piece, 'observed already', 'name it once')
    if (sign === '.') {
      const variable = scope.variables.find((each) => each.name === rest)
      const names = scope.variables.map((each) => each.name)
      if (variable === undefined)
        this.#fail(piece, `n${node} has no such variable`, `one of ${names.join(', ')}`, names)
      if (variable.isArray !== (index !== undefined) || Number(index ?? 0) >= variable.span.words)
        this.#fail(piece, 'expected one word', `for instance n${node}.${rest}[0]`)
      const { region, offset } = variable.span
      const at = { region, offset: offset + 8 * Number(index ?? 0), words: 1 }
      this.#observables.push({ kind: 'memory', node: scope.node, at, text: name })
      return
    }
    const register = scope.registers.indexOf(rest)
    if (register >= 0 && index === undefined) {
      this.#observables.push({ kind: 'register', node: scope.node, register, text: name })
      return
    }
    const label = scope.labels.indexOf(rest)
    const names = [...scope.registers, ...scope.labels]
    if (label < 0)
      this.#fail(
        piece,
        `n${node} has no such register or label`,
        names.length === 0 ? `n${node} has none` : `one of ${names.join(', ')}`,
        names,
      )
    this.#observables.push({ kind: 'status', node: scope.node, label, text: name })
  }

  #row({ kind, pieces }: DraftRow): Row {
    const values: (readonly string[] | undefined)[] = this.#observables.map(() => undefined)
    const named = new Set<number>()
    const ends = new Map<number, Ending>()
    let position = 0
    for (let i = 0; i < pieces.length; i++) {
      const piece = pieces[i]!
      const node = this.#scopes.findIndex((scope) => piece.text === `n${String(scope.node)}`)
      if (node >= 0) {
        const word = pieces[++i]
        const ending = endings.find((each) => each === word?.text)
        if (ending === undefined)
          this.#fail(
            word ?? piece,
            `expected how ${piece.text} ends`,
            `one of ${endings.join(', ')}`,
            endings,
          )
        ends.set(node, ending)
        continue
      }
      const [, name, text] = /^([^=]+)=(.*)$/.exec(piece.text) ?? []
      const at = name === undefined ? position++ : this.#indexOf(name)
      if (at < 0)
        this.#fail(
          piece,
          'this is not observed',
          `name it in a line "observe:"`,
          this.#observables.map((each) => each.text),
        )
      if (at >= this.#observables.length)
        this.#fail(
          piece,
          `expected ${String(this.#observables.length)} values`,
          `one for each of ${this.#observables.map((each) => each.text).join(' ')}`,
        )
      named.add(at)
      values[at] = this.#values(piece, text ?? piece.text, this.#observables[at]!)
    }
    const missing = this.#observables.find((_, i) => !named.has(i))
    if (missing !== undefined && (kind === 'allowed' || position > 0))
      this.#fail(
        pieces.at(-1)!,
        `${missing.text} has no value in this row`,
        `write one, or * for any, for each of ${this.#observables.map((each) => each.text).join(' ')}`,
      )
    const text = pieces.map((piece) => piece.text).join(' ')
    return { values, endings: ends, line: pieces[0]!.line, text }
  }

  #values(piece: Piece, text: string, { kind }: Observable): readonly string[] | undefined {
    if (text === '*') return undefined
    const values = text.split('|')
    for (const value of values) {
      if (value === '-') continue
      if (kind === 'status' ? statusNames.includes(value) : /^-?\d+$/.test(value)) continue
      this.#fail(
        piece,
        kind === 'status' ? 'expected a status' : 'expected a number',
        kind === 'status'
          ? `one of ${statusNames.join(', ')}, - (none yet), several with | between, or *`
          : 'a whole number, - (no value), several with | between (0|1), or *',
        kind === 'status' ? statusNames : [],
      )
    }
    if (values.length > mostAlternatives)
      this.#fail(piece, `more than ${String(mostAlternatives)} values`, 'write * for any')
    return values
  }
}

function partsOf(text: string, begin: number): { text: string; column: number }[] {
  const parts: { text: string; column: number }[] = []
  let at = begin
  for (const part of text.slice(begin).split(',')) {
    parts.push({ text: part, column: at + 1 })
    at += part.length + 1
  }
  return parts
}

const piecesOf = (text: string, line: number, column: number): Piece[] =>
  [...text.matchAll(/\S+/g)].map((match) => ({ text: match[0], line, column: column + match.index }))
