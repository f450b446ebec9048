/**
 * What people see. Text goes to standard output, or to standard error when standard output belongs to JSON; progress
 * always goes to standard error. Colours and cursor movements only where there is a terminal.
 */
import { stripVTControlCharacters } from 'node:util'
import picocolors from 'picocolors'

type Colours = ReturnType<typeof picocolors.createColors>

export interface Terminal {
  readonly colours: Colours
  /** Columns to write in. */
  readonly width: number
  /** Writes lines for people. */
  say(text?: string): void
  /** Writes the result for programs: one line on standard output. Does nothing unless JSON was asked for. */
  json(value: unknown): void
  readonly progress: Progress
}

/** One line that changes while something goes on. */
export interface Progress {
  update(line: string): void
  /** Takes the line away. */
  end(): void
}

const narrowest = 60
const widest = 120
const quietMillis = 4_000
const firstMillis = 1_000
const liveMillis = 100

const wantsColour = (stream: NodeJS.WriteStream): boolean => {
  const { NO_COLOR, FORCE_COLOR, TERM } = process.env
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '' && FORCE_COLOR !== '0') return true
  return stream.isTTY && TERM !== 'dumb'
}

/** Undefined where there is no terminal, or one that does not know its size. */
const columnsOf = ({ columns }: { columns?: number | undefined }): number | undefined =>
  columns === undefined || columns === 0 ? undefined : columns

export function makeTerminal(options: { readonly json?: boolean | undefined } = {}): Terminal {
  const stream = options.json === true ? process.stderr : process.stdout
  const colours = picocolors.createColors(wantsColour(stream))
  const columns = columnsOf(stream) ?? widest
  const progress = process.stderr.isTTY ? liveProgress() : quietProgress()
  return {
    colours,
    width: Math.max(narrowest, Math.min(widest, columns)),
    say(text = '') {
      progress.end()
      stream.write(`${text}\n`)
    },
    json(value) {
      progress.end()
      if (options.json === true) process.stdout.write(`${JSON.stringify(value)}\n`)
    },
    progress,
  }
}

function liveProgress(): Progress {
  const { stderr } = process
  const colours = picocolors.createColors(wantsColour(stderr))
  let shownMillis = -Infinity
  let isShown = false
  return {
    update(line) {
      const now = performance.now()
      if (now - shownMillis < liveMillis) return
      shownMillis = now
      isShown = true
      stderr.write(`\r\x1b[2K${colours.dim(fit(line, (columnsOf(stderr) ?? widest) - 1))}`)
    },
    end() {
      if (isShown) stderr.write('\r\x1b[2K')
      isShown = false
      shownMillis = -Infinity
    },
  }
}

function quietProgress(): Progress {
  let shownMillis = performance.now() - quietMillis + firstMillis
  return {
    update(line) {
      const now = performance.now()
      if (now - shownMillis < quietMillis) return
      shownMillis = now
      process.stderr.write(`${line}\n`)
    },
    end() {},
  }
}

const widthOf = (text: string): number => [...stripVTControlCharacters(text)].length

/** Cut to a width, with a sign that something is missing. For text without colours. */
const fit = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`

export type Alignment = 'left' | 'right'

/** Rows with aligned columns, two spaces apart. */
export function table(
  rows: readonly (readonly string[])[],
  options: { readonly align?: readonly Alignment[]; readonly indent?: number } = {},
): string {
  const columns = Math.max(0, ...rows.map((row) => row.length))
  const widths = Array.from({ length: columns }, (_, i) =>
    Math.max(...rows.map((row) => widthOf(row[i] ?? ''))),
  )
  const indent = ' '.repeat(options.indent ?? 0)
  return rows
    .map((row) => {
      const cells = row.map((cell, i) => {
        const gap = ' '.repeat(widths[i]! - widthOf(cell))
        return options.align?.[i] === 'right' ? gap + cell : cell + gap
      })
      return (indent + cells.join('  ')).trimEnd()
    })
    .join('\n')
}

/** Words in lines of at most `width` columns. */
export function wrap(text: string, width: number, indent = 0, hanging = indent): string {
  const lines: string[] = []
  let line = ' '.repeat(indent)
  let isEmpty = true
  for (const word of text.split(/\s+/).filter((each) => each !== '')) {
    if (!isEmpty && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line)
      line = ' '.repeat(hanging)
      isEmpty = true
    }
    line += isEmpty ? word : ` ${word}`
    isEmpty = false
  }
  return [...lines, line].join('\n')
}

/** 1234567 as "1 234 567". */
export const grouped = (n: number): string => String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ' ')

/** A size that is read at a glance: "834", "12.3 k", "4.56 M". */
export function compact(n: number): string {
  if (n < 1_000) return String(Math.round(n))
  if (n < 1_000_000) return `${digits(n / 1_000)} k`
  if (n < 1_000_000_000) return `${digits(n / 1_000_000)} M`
  return `${digits(n / 1_000_000_000)} G`
}

/** Three significant digits. */
export const digits = (n: number): string => (n >= 100 ? n.toFixed(0) : n >= 10 ? n.toFixed(1) : n.toFixed(2))

export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${grouped(n)} ${n === 1 ? one : many}`
