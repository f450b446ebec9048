import { readdirSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { latencies } from '../../sim/index.js'
import { Reader, blocksOf, checkout, commandsOf, readDocument } from './support.js'

/** Commands that are executed in another way. */
const standIns: Readonly<Record<string, string>> = {
  // Bootstrap, which the tests ran already, and this.
  'npm start': 'npx aviary tour',
}

/** Commands that are not executed here, and why. */
const elsewhere: Readonly<Record<string, string>> = {
  'npm test': 'runs this very test',
  'git clone "$AVIARY_URL" aviary': 'the checkout is there already',
  'cd aviary': 'every command runs in the folder of the reader',
  'npm pack': 'tests/e2e/pack.test.ts does it',
  'npx aviary view found/*.aviary': 'serves until Ctrl-C; tests/cli/view.test.ts does it',
  'npx aviary view ./my-protocol.ts': 'serves until Ctrl-C; tests/cli/view.test.ts does it',
  'npm install ../aviary/aviary-0.1.0.tgz': 'tests/e2e/pack.test.ts does it',
}

const documents = ['README.md', ...readdirSync(`${checkout}docs`).filter((name) => name.endsWith('.md'))].map(
  (name) => (name === 'README.md' ? name : `docs/${name}`),
)

const readers: Reader[] = []
afterAll(() => {
  for (const reader of readers) reader.close()
})

const outcomes = new Map<string, Awaited<ReturnType<Reader['run']>>>()

describe.each(documents)('%s', (path) => {
  const reader = new Reader()
  readers.push(reader)
  const blocks = blocksOf(readDocument(path))
  test('its code blocks are executed, or are plain text', () => {
    for (const { language, file, line } of blocks) {
      const known = file === undefined ? ['sh', 'console', 'text'] : ['ts', 'diff']
      expect(known, `line ${String(line)}`).toContain(language)
    }
  })
  for (const block of blocks) {
    const commands = commandsOf(block)
    if (block.file !== undefined)
      test(`line ${String(block.line)}: ${block.language} for ${block.file}`, () => {
        reader.take(block)
      })
    for (const { text, exit, line } of commands) {
      if (Object.hasOwn(elsewhere, text)) continue
      test(`line ${String(line)}: ${text} exits ${String(exit)}`, { timeout: 120_000 }, async () => {
        const standIn = standIns[text]
        const known = standIn === undefined ? undefined : outcomes.get(standIn)
        const { code, output } = known ?? (await reader.run(standIn ?? text))
        if (standIn !== undefined) outcomes.set(standIn, { code, output })
        expect(code, output).toBe(exit)
      })
    }
  }
})

test('what is not executed is in some document', () => {
  const shown = documents.flatMap((path) => blocksOf(readDocument(path)).flatMap(commandsOf))
  const texts = shown.map(({ text }) => text)
  for (const text of [...Object.keys(elsewhere), ...Object.keys(standIns)]) expect(texts).toContain(text)
})

test('the tutorial finds the bug, mends it, and takes less than 100 lines of the reader', () => {
  const reader = new Reader()
  readers.push(reader)
  const blocks = blocksOf(readDocument('docs/tutorial.md'))
  for (const block of blocks) reader.take(block)
  expect(reader.typed).toBeGreaterThan(50)
  expect(reader.typed).toBeLessThan(100)
  const hunts = blocks.flatMap(commandsOf).filter(({ text }) => text.includes('aviary explore'))
  expect(hunts.map(({ exit }) => exit)).toEqual([1, 0, 1, 0])
})

test('links between documents lead to a heading or a file', () => {
  for (const path of documents) {
    const text = readDocument(path)
    for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      const [file = '', anchor] = target.split('#')
      const there = new URL(file, `file:///${path}`).pathname.slice(1)
      const linked = file === '' ? text : readDocument(there)
      if (anchor === undefined) continue
      const anchors = [...linked.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))
      expect(anchors, `${path}: ${target}`).toContain(anchor)
    }
  }
})

const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')

test('the reference names every flag that the commands have', { timeout: 60_000 }, async () => {
  const reader = new Reader()
  readers.push(reader)
  const reference = readDocument('docs/reference.md')
  const { output } = await reader.run('npx aviary --help')
  const commands = [...output.matchAll(/^ {2}(\w+) (?:\[options\]|[<[])/gm)].map(([, name = '']) => name)
  expect(commands).toEqual(
    expect.arrayContaining(['list', 'explore', 'replay', 'shrink', 'explain', 'export', 'bench']),
  )
  for (const command of commands.filter((name) => name !== 'help')) {
    const { output: help } = await reader.run(`npx aviary ${command} --help`)
    expect(reference, command).toContain(`\`${command}`)
    for (const [, flag = ''] of help.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm))
      expect(reference, `${command} ${flag}`).toMatch(new RegExp(`${flag}\\b`))
  }
})

test('the reference has the latencies that the simulator uses', () => {
  const rows = Object.entries(latencies)
    .filter(([, { minimumNanos, excessNanos }]) => minimumNanos + excessNanos > 0)
    .map(([kind, { minimumNanos, excessNanos, source }]) =>
      [kind, String(minimumNanos), String(excessNanos), source].join(' | '),
    )
  const table = /<!-- latencies -->\n([^]*)<!-- end of latencies -->/.exec(readDocument('docs/reference.md'))
  const shown = table![1]!
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', ''))
        .join(' | '),
    )
  expect(shown).toEqual(rows)
})
