/** Documents as programs: their code blocks become files, their shell blocks are executed. */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const checkout = fileURLToPath(new URL('../../', import.meta.url))

export interface Block {
  readonly language: string
  /** Of `file=NAME`. */
  readonly file: string | undefined
  readonly text: string
  /** Line of its first line of text. */
  readonly line: number
}

export interface Command {
  readonly text: string
  /** A trailing `# exits N`, else 0. */
  readonly exit: number
  readonly line: number
}

export const readDocument = (path: string): string => readFileSync(join(checkout, path), 'utf8')

export function blocksOf(document: string): readonly Block[] {
  const blocks: Block[] = []
  let open: { language: string; file: string | undefined; lines: string[]; line: number } | undefined
  document.split('\n').forEach((text, i) => {
    const fence = /^```(.*)$/.exec(text)
    if (fence === null) open?.lines.push(text)
    else if (open === undefined) {
      const [language = '', ...rest] = fence[1]!.split(' ')
      const file = rest.map((word) => /^file=(.+)$/.exec(word)?.[1]).find((name) => name !== undefined)
      open = { language, file, lines: [], line: i + 2 }
    } else {
      const { lines, ...block } = open
      blocks.push({ ...block, text: lines.map((line) => `${line}\n`).join('') })
      open = undefined
    }
  })
  if (open !== undefined) throw new Error(`line ${String(open.line)}: a code block does not end`)
  return blocks
}

/** Shell commands: each line of an `sh` block, and the lines of a `console` block that begin with `$ `. */
export function commandsOf({ language, text, line }: Block): readonly Command[] {
  if (language !== 'sh' && language !== 'console') return []
  return text.split('\n').flatMap((each, i): Command[] => {
    const shown = language === 'sh' ? each : /^\$ (.*)$/.exec(each)?.[1]
    if (shown === undefined || shown.trim() === '' || shown.startsWith('#')) return []
    const [, command = '', comment = ''] = /^(.*?)(?:\s+#\s(.*))?$/.exec(shown)!
    const exit = Number(/^exits (\d+)/.exec(comment)?.[1] ?? 0)
    return [{ text: command, exit, line: line + i }]
  })
}

/** The files of a reader: a `ts` block begins or goes on with its file, a `diff` block changes it. */
export class Reader {
  readonly folder = mkdtempSync(join(tmpdir(), 'aviary-docs-'))
  /** Lines that are not blank, as typed by the reader. */
  typed = 0
  readonly #files = new Map<string, string>()

  take(block: Block): void {
    if (block.file === undefined) return
    const before = this.#files.get(block.file) ?? ''
    const isDiff = block.language === 'diff'
    this.#files.set(block.file, isDiff ? patched(before, block) : before + block.text)
    writeFileSync(join(this.folder, block.file), this.#files.get(block.file)!)
    const lines = block.text.split('\n').filter((line) => !isDiff || line.startsWith('+'))
    this.typed += lines.filter((line) => /\S/.test(line.replace(/^\+/, ''))).length
  }

  /** Runs a command in a shell, with `npx aviary` that of this checkout. */
  run(command: string): Promise<{ readonly code: number | null; readonly output: string }> {
    const bin = join(this.folder, '.bin')
    const launcher = join(checkout, 'cli', 'aviary.mjs')
    mkdirSync(bin, { recursive: true })
    writeFileSync(
      join(bin, 'npx'),
      `#!/bin/sh\n[ "$1" = aviary ] || exit 127\nshift\nexec "${process.execPath}" "${launcher}" "$@"\n`,
      { mode: 0o755 },
    )
    const PATH = [bin, dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter)
    const env = { ...process.env, PATH, NO_COLOR: '1', FORCE_COLOR: '', AVIARY_DEBUG: '' }
    const child = spawn('sh', ['-c', command], { cwd: this.folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    return new Promise((resolve) => {
      child.on('close', (code) => {
        resolve({ code, output })
      })
    })
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Applies a diff without line numbers: what it shows as before must stand in the file exactly once. */
function patched(file: string, { text, line }: Block): string {
  const lines = text.split('\n').slice(0, -1)
  const side = (sign: string): string =>
    lines
      .filter((each) => each.startsWith(' ') || each.startsWith(sign))
      .map((each) => `${each.slice(1)}\n`)
      .join('')
  const pieces = `\n${file}`.split(`\n${side('-')}`)
  if (pieces.length !== 2)
    throw new Error(`line ${String(line)}: the diff fits ${String(pieces.length - 1)} places, not one`)
  return pieces.join(`\n${side('+')}`).slice(1)
}

/** The protocol of the tutorial, as it is first written (with its bug) and as it is in the end. */
export function tutorialProtocols(): { readonly wrong: string; readonly mended: string } {
  const blocks = blocksOf(readDocument('docs/tutorial.md')).filter(({ file }) => file === 'my-protocol.ts')
  const written = blocks.filter(({ language }) => language === 'ts')
  const wrong = written.map(({ text }) => text).join('')
  const mended = blocks.filter(({ language }) => language === 'diff').reduce(patched, wrong)
  return { wrong, mended }
}
