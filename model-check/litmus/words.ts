/** The words of a line of a litmus file, and a reader that takes them one by one and says what it expected. */
import { LitmusError, type Place } from './errors.js'

type WordKind = 'name' | 'number' | 'text' | 'sign' | 'end'

export interface Word extends Place {
  readonly kind: WordKind
  readonly text: string
}

const pattern =
  /(?<blank>\s+)|(?<name>[A-Za-z]\w*(?:-[A-Za-z]\w*)*)|(?<number>-?\d+)|"(?<text>[^"]*)"|(?<sign>->|→|\.\.|==|!=|<=|>=|[=<>[\].,:;+-])/y

/** Cuts a stretch of one line into words; `column` is where it begins in the line. */
export function wordsOf(file: string, text: string, line: number, column = 1): Word[] {
  const words: Word[] = []
  pattern.lastIndex = 0
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex
    const groups = pattern.exec(text)?.groups
    const place = { line, column: column + at }
    if (groups === undefined) {
      const wrong = /^\S+/.exec(text.slice(at))?.[0] ?? ''
      throw new LitmusError(
        file,
        place,
        `${JSON.stringify(wrong)} cannot be read`,
        'words are names, whole numbers, "texts" and the signs = == != < > <= >= [ ] . .. , : ; + ->',
        wrong,
      )
    }
    const { name, number, text: quoted, sign } = groups
    if (name !== undefined) words.push({ kind: 'name', text: name, ...place })
    else if (number !== undefined) words.push({ kind: 'number', text: number, ...place })
    else if (quoted !== undefined) words.push({ kind: 'text', text: quoted, ...place })
    else if (sign !== undefined) words.push({ kind: 'sign', text: sign === '→' ? '->' : sign, ...place })
  }
  words.push({ kind: 'end', text: '', line, column: column + text.trimEnd().length })
  return words
}

/** A comment begins with # and ends with the line. */
export const withoutComment = (line: string): string => line.replace(/#.*$/, '')

export class WordReader {
  readonly file: string
  readonly #words: readonly Word[]
  #at = 0

  constructor(file: string, words: readonly Word[]) {
    this.file = file
    this.#words = words
  }

  get next(): Word {
    return this.#words[this.#at]!
  }
  /** The word after the next, or the end. */
  get second(): Word {
    return this.#words[Math.min(this.#at + 1, this.#words.length - 1)]!
  }
  get isAtEnd(): boolean {
    return this.next.kind === 'end'
  }
  take(): Word {
    const word = this.next
    if (word.kind !== 'end') this.#at++
    return word
  }
  is(text: string): boolean {
    return this.next.kind !== 'text' && this.next.kind !== 'end' && this.next.text === text
  }
  /** Takes the word if it is this one. */
  accept(text: string): boolean {
    if (!this.is(text)) return false
    this.#at++
    return true
  }
  expect(text: string, what = `"${text}"`): Word {
    if (!this.is(text)) this.fail(`expected ${what}`, `write ${what} here`)
    return this.take()
  }
  name(what: string, mend: string, known: readonly string[] = []): Word {
    if (this.next.kind !== 'name') this.fail(`expected ${what}`, mend, known)
    return this.take()
  }
  /** One of a list of words. */
  oneOf<const T extends string>(known: readonly T[], what: string): T {
    const found = known.find((each) => each === this.next.text && this.next.kind !== 'text')
    if (found === undefined) this.fail(`expected ${what}`, `one of ${known.join(', ')}`, known)
    this.take()
    return found
  }
  number(what: string, minimum = -Number.MAX_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER): number {
    if (this.next.kind !== 'number') this.fail(`expected ${what}`, 'write a whole number')
    const value = Number(this.next.text)
    if (value < minimum || value > maximum)
      this.fail(`${what} is out of range`, `write a number from ${String(minimum)} to ${String(maximum)}`)
    this.take()
    return value
  }
  end(mend: string): void {
    if (!this.isAtEnd) this.fail('expected the end', mend)
  }

  /** Says that the next word is wrong. */
  fail(problem: string, mend: string, known: readonly string[] = []): never {
    this.failAt(this.next, problem, mend, known)
  }
  failAt(word: Word, problem: string, mend: string, known: readonly string[] = []): never {
    const found =
      word.kind === 'end'
        ? 'the line ends'
        : word.kind === 'text'
          ? `"${word.text}"`
          : JSON.stringify(word.text)
    throw new LitmusError(
      this.file,
      { line: word.line, column: word.column },
      `${problem}, found ${found}`.replace(', found the line ends', ', but the line ends'),
      mend,
      word.text,
      known,
    )
  }
}
