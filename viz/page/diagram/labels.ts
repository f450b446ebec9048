/**
 * Where words stand beside the marks of actions: right of the mark, or below or above it where the row is high enough.
 *
 * Contract. What is placed first has its place: labels come in the order of their importance. No label covers a mark,
 * another label, or the line of an arrow along its row; arrows across are avoided while there is another place. Words are
 * shortened only when they fit nowhere, and left out when less than `leastCharacters` would be left. The cost is that of
 * the labels times what lies in their rows; both are bounded by what a screen has room for.
 */

/** Pixels of a character of a label, on average. */
export const characterWidth = 6.3
const leastCharacters = 6
/** From the middle of a mark to its words. */
const beside = 13
/** Base lines of words right of a mark, below it and above it, from the middle of its row. */
const baselines = [4, 21, -13] as const
/** Half of a row from which words fit above and below its marks. */
const halfForThree = 22

export interface Label {
  readonly lane: number
  /** Middle of its mark, in pixels. */
  readonly x: number
  readonly words: string
}
export interface PlacedLabel {
  readonly x: number
  readonly y: number
  readonly anchor: 'start' | 'end'
  readonly words: string
}
export interface LabelRoom {
  /** Middle of each lane, below 0 where it is not drawn. */
  readonly middle: ArrayLike<number>
  readonly half: ArrayLike<number>
  readonly left: number
  readonly right: number
}

/** Stretches of x that are taken, as pairs. */
type Stretches = number[]

export class LabelPlan {
  readonly #room: LabelRoom
  /** By lane and base line: what must stay free of words, and what had better. */
  readonly #taken: Stretches[] = []
  readonly #crossed: Stretches[] = []

  constructor(room: LabelRoom) {
    this.#room = room
  }

  /** A mark, which no words may cover. */
  mark(lane: number, x: number, half: number): void {
    this.#take(this.#taken, lane, 0, x - half, x + half)
  }

  /** A line of an arrow. */
  line(x: number, y: number, toX: number, toY: number): void {
    const { middle, left, right } = this.#room
    if (Math.max(x, toX) < left || Math.min(x, toX) > right) return
    for (let lane = 0; lane < middle.length; lane++) {
      if (middle[lane]! < 0) continue
      if (y === toY) {
        if (y === middle[lane]) this.#take(this.#taken, lane, 0, Math.min(x, toX), Math.max(x, toX))
        continue
      }
      for (let line = 0; line < baselines.length; line++) {
        const base = middle[lane]! + baselines[line]!
        const from = Math.max(base - 10, Math.min(y, toY))
        const to = Math.min(base + 3, Math.max(y, toY))
        if (from >= to) continue
        const a = x + ((from - y) / (toY - y)) * (toX - x)
        const b = x + ((to - y) / (toY - y)) * (toX - x)
        this.#take(this.#crossed, lane, line, Math.min(a, b), Math.max(a, b))
      }
    }
  }

  /** The place of a label, which is taken then; undefined where there is none. */
  place(label: Label): PlacedLabel | undefined {
    return (
      this.#try(label, label.words.length, true) ??
      this.#try(label, label.words.length, false) ??
      this.#try(label, Math.min(leastCharacters, label.words.length), false)
    )
  }

  #try({ lane, x, words }: Label, least: number, isClear: boolean): PlacedLabel | undefined {
    const { middle, half, left, right } = this.#room
    if (half[lane]! < 6) return undefined
    for (const anchor of ['start', 'end'] as const)
      for (let line = 0; line < (half[lane]! >= halfForThree ? baselines.length : 1); line++) {
        const sign = anchor === 'start' ? 1 : -1
        const at = x + sign * (line === 0 ? beside : -beside + 4)
        const edge = anchor === 'start' ? right - at : at - left
        const free = Math.min(
          edge,
          freeFrom(this.#taken[lane * 3 + line], at, sign),
          isClear ? freeFrom(this.#crossed[lane * 3 + line], at, sign) : Infinity,
        )
        const characters = Math.floor(free / characterWidth)
        if (characters < least) continue
        const shown = clip(words, characters)
        const end = at + sign * (shown.length * characterWidth + 4)
        this.#take(this.#taken, lane, line, Math.min(at, end), Math.max(at, end))
        return { x: at, y: middle[lane]! + baselines[line]!, anchor, words: shown }
      }
    return undefined
  }

  #take(stretches: Stretches[], lane: number, line: number, from: number, to: number): void {
    ;(stretches[lane * 3 + line] ??= []).push(from, to)
  }
}

/** Pixels from a place to the right (1) or left (-1) up to what is taken. */
function freeFrom(stretches: Stretches | undefined, at: number, sign: 1 | -1): number {
  let free = Infinity
  if (stretches === undefined) return free
  for (let i = 0; i < stretches.length; i += 2) {
    const from = stretches[i]!
    const to = stretches[i + 1]!
    if (sign === 1 ? to <= at : from >= at) continue
    free = Math.min(free, sign === 1 ? from - at : at - to)
  }
  return Math.max(0, free - 3)
}

export function clip(text: string, characters: number): string {
  return text.length <= characters ? text : `${text.slice(0, Math.max(1, characters - 1))}…`
}
