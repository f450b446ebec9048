// The arrows of the house are promises about what cannot creep in. Here the real tsconfig files, over tiny
// sources, must refuse each thing that a folder may not import or name, and must accept what it may.
import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const copies: string[] = []

afterEach(() => {
  for (const copy of copies.splice(0)) rmSync(copy, { recursive: true })
})

const clean: Readonly<Record<string, string>> = {
  'protocol/index.ts': `export const quorum = (nodes: number): number => (nodes >> 1) + 1\n`,
  'sim/index.ts': `import { quorum } from '../protocol/index.js'\nexport const needed = quorum(3)\n`,
  'model-check/index.ts': `import { needed } from '../sim/index.js'\nexport const bound = needed\n`,
  'native/index.ts': `import { existsSync } from 'node:fs'\nexport const exists = existsSync\n`,
}

/** Builds the real project references over these sources, with every installed package within reach. */
const build = async (sources: Readonly<Record<string, string>>): Promise<string> => {
  const copy = mkdtempSync(join(tmpdir(), 'aviary-arrows-'))
  copies.push(copy)
  const configs = ['protocol', 'sim', 'model-check', 'native'].map((folder) => `${folder}/tsconfig.json`)
  for (const config of ['tsconfig.base.json', ...configs]) cpSync(join(root, config), join(copy, config))
  writeFileSync(join(copy, 'package.json'), '{ "type": "module" }')
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const [path, text] of Object.entries(sources)) {
    mkdirSync(dirname(join(copy, path)), { recursive: true })
    writeFileSync(join(copy, path), text)
  }
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  return new Promise((resolve) => {
    const args = [compiler, '-b', '--pretty', 'false', 'protocol', 'sim', 'model-check', 'native']
    execFile(process.execPath, args, { cwd: copy }, (_error, output) => {
      resolve(output)
    })
  })
}

/** The codes of the errors in each file, each once. */
const errorCodes = (output: string): Record<string, string[]> => {
  const codes: Record<string, string[]> = {}
  for (const [, file, code] of output.matchAll(/^(\S+)\(\d+,\d+\): error (TS\d+)/gm)) {
    const ofFile = (codes[file!] ??= [])
    if (!ofFile.includes(code!)) ofFile.push(code!)
  }
  return codes
}

test('what the arrows allow builds', async () => {
  expect(await build(clean)).toBe('')
})

test('a folder that imports against the arrows does not build', async () => {
  const output = await build({
    ...clean,
    'protocol/imports-sim.ts': `import { needed } from '../sim/index.js'\nexport const n = needed\n`,
    'sim/imports-model-check.ts': `import { bound } from '../model-check/index.js'\nexport const n = bound\n`,
    'sim/imports-cli.ts': `import { main } from '../cli/main.js'\nexport const n = main\n`,
    'native/imports-protocol.ts': `import { quorum } from '../protocol/index.js'\nexport const n = quorum\n`,
    'cli/main.ts': `export const main = 1\n`,
  })
  const notListed = expect.arrayContaining(['TS6307']) as unknown
  expect(errorCodes(output)).toEqual({
    'protocol/imports-sim.ts': notListed,
    'sim/imports-model-check.ts': notListed,
    'sim/imports-cli.ts': notListed,
    'native/imports-protocol.ts': notListed,
  })
})

test('Node, the browser and the event loop do not exist in deterministic code', async () => {
  const probes: Record<string, string> = {
    'imports-node.ts': `import { readFileSync } from 'node:fs'\nexport const f = readFileSync\n`,
    'names-process.ts': `export const p = process\n`,
    'names-document.ts': `export const d = document\n`,
    'names-timers.ts': `setTimeout(() => undefined, 1)\nexport {}\n`,
    'names-console.ts': `console.log('x')\nexport {}\n`,
  }
  const folders = ['protocol', 'sim', 'model-check']
  const sources: Record<string, string> = { ...clean }
  for (const folder of folders) {
    for (const [file, text] of Object.entries(probes)) sources[`${folder}/${file}`] = text
  }
  const codes = errorCodes(await build(sources))
  const expected: Record<string, string[]> = {
    'imports-node.ts': ['TS2591'],
    'names-process.ts': ['TS2591'],
    'names-document.ts': ['TS2584'],
    'names-timers.ts': ['TS2304'],
    'names-console.ts': ['TS2584'],
  }
  expect(codes).toEqual(
    Object.fromEntries(
      folders.flatMap((folder) =>
        Object.entries(expected).map(([file, fileCodes]) => [`${folder}/${file}`, fileCodes]),
      ),
    ),
  )
})
