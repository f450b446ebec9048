// The lint rules are part of the design: what must not stand in deterministic code is refused, with its reason.
import { ESLint } from 'eslint'
import { fileURLToPath } from 'node:url'
import tseslint from 'typescript-eslint'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

// The bans look at syntax alone; without types they answer at once, and for files that do not exist.
const syntactic = new ESLint({
  cwd: root,
  overrideConfig: [{ files: ['**/*.ts'], ...tseslint.configs.disableTypeChecked }],
})
const typeAware = new ESLint({ cwd: root })

const lint = async (eslint: ESLint, filePath: string, code: string): Promise<string[]> => {
  const [result] = await eslint.lintText(code, { filePath, warnIgnored: true })
  return result!.messages.map((message) => `${message.ruleId ?? 'fatal'}: ${message.message}`)
}

const bans = (filePath: string, code: string): Promise<string[]> =>
  lint(syntactic, filePath, code).then((messages) =>
    messages.filter((message) => message.includes('no-restricted')),
  )

const nondeterminism: readonly (readonly [what: string, code: string, reason: RegExp])[] = [
  ['the wall clock', `export const now = Date.now()`, /wall clock.*set a timer/],
  ['a new date', `export const now = new Date()`, /wall clock/],
  ['a date as a type', `export type When = Date`, /wall clock/],
  ['a high-resolution clock', `export const now = performance.now()`, /wall clock/],
  ['Math.random', `export const coin = Math.random() < 0.5`, /randomness.*seeded generator/],
  ['Math.random taken apart', `export const { random } = Math`, /randomness/],
  ['crypto', `export const id = crypto.randomUUID()`, /randomness/],
  ['setTimeout', `setTimeout(() => undefined, 1)`, /event loop.*Arm an action/],
  ['setInterval', `setInterval(() => undefined, 1)`, /event loop/],
  ['queueMicrotask', `queueMicrotask(() => undefined)`, /event loop/],
  ['a promise', `export const later = Promise.resolve(1)`, /Promises run.*synchronous/],
  ['a promise as a type', `export type Later = Promise<number>`, /Promises run/],
  ['an async function', `export async function f(): Later { }`, /Promises run/],
  ['an async arrow', `export const f = async () => 1`, /Promises run/],
  ['a top-level await', `export const x = await 1`, /Promises run/],
  ['an await in a loop', `export const x = 1; for await (const y of z) y.go()`, /Promises run/],
  ['a dynamic import', `export const m = import('./x.js')`, /Promises run/],
  ['globalThis', `export const g = globalThis['Da' + 'te']`, /in Node, in a browser.*parameter/],
  ['process', `export const p = process.pid`, /in Node, in a browser/],
  ['a weak reference', `export const w = new WeakRef({})`, /garbage collector/],
  ['the locale', `export const sorted = (a: string, b: string) => a.localeCompare(b)`, /locale/],
  ['a package', `import { readFileSync } from 'node:fs'\nexport { readFileSync }`, /parameter/],
]

describe.each([
  'protocol/apus/spec.ts',
  'sim/world/world.ts',
  'model-check/search.ts',
  'protocol/apus/core.ts',
])('in %s', (filePath) => {
  test.each(nondeterminism)('%s is refused, with the mend', async (_what, code, reason) => {
    expect(await bans(filePath, code)).toEqual([expect.stringMatching(reason)])
  })
})

test('the simulator may import its generator, a protocol may not', async () => {
  const code = `import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'\nexport { xoroshiro128plus }`
  expect(await bans('sim/random.ts', code)).toEqual([])
  expect(await bans('protocol/random.ts', code)).toHaveLength(1)
})

test('native code may import the library of Node, and no package', async () => {
  expect(await bans('native/files.ts', `export { readFileSync } from 'node:fs'`)).toEqual([])
  expect(await bans('native/files.ts', `export { z } from 'zod'`)).toHaveLength(1)
})

test('the runner may import packages, Node and what is beneath it, and not what is above', async () => {
  for (const from of [
    'node:net',
    'zod',
    '../proposer.js',
    '../../protocol/store/index.js',
    '../../native/index.js',
  ])
    expect(await bans('runner/gateway/gateway.ts', `export { x } from '${from}'`)).toEqual([])
  for (const from of ['../../cli/main.js', '../../model-check/index.js', '../../tests/cli/support.js'])
    expect(await bans('runner/gateway/gateway.ts', `export { x } from '${from}'`)).toHaveLength(1)
})

test('what the worker of the page carries of the runner and of the command line has nothing of Node', async () => {
  const codes = [
    `import { readFileSync } from 'node:fs'\nexport { readFileSync }`,
    `export const bytes = (text: string): Uint8Array => Buffer.from(text)`,
    `export const turn = (): bigint => process.hrtime.bigint()`,
  ]
  for (const file of [
    'runner/recording/offline/replay.ts',
    'runner/recording/format.ts',
    'runner/setup.ts',
    'cli/view/page-recordings.ts',
  ]) {
    for (const code of codes)
      expect(await bans(file, code), file).toEqual([expect.stringMatching(/no Node in a browser/)])
    expect(await bans(file, `export { z } from 'zod'`), file).toEqual([])
  }
  for (const code of codes) expect(await bans('runner/recording/recorder.ts', code)).toEqual([])
  const above = `export { x } from '../../../cli/main.js'`
  expect(await bans('runner/recording/offline/replay.ts', above)).toHaveLength(1)
})

test('outside deterministic code the clock and promises are free', async () => {
  const code = `export const now = async (): Promise<number> => Promise.resolve(Date.now() + performance.now())`
  expect(await bans('cli/run.ts', code)).toEqual([])
  expect(await bans('bench/run.ts', code)).toEqual([])
})

describe.each(['protocol/apus/core.ts', 'protocol/apus/core-recovery.ts', 'protocol/apus/leader-core.ts'])(
  'in the core %s',
  (filePath) => {
    test.each([
      ['builds an ArrayBuffer', `export const memory = new ArrayBuffer(8)`],
      ['builds shared memory', `export const memory = new SharedArrayBuffer(8)`],
      ['builds a DataView', `export const view = (b: Bytes) => new DataView(b)`],
      ['builds a typed array', `export const words = new Uint32Array(4)`],
      ['builds bytes', `export const bytes = Uint8Array.from([1])`],
      ['uses Atomics', `export const x = (words: Words) => Atomics.load(words, 0)`],
      ['names raw memory as a type', `export const f = (memory: BigUint64Array): number => memory.length`],
    ])('a handler that %s is refused', async (_what, code) => {
      expect(await bans(filePath, code)).toEqual([
        expect.stringMatching(/never touches shared memory.*layout/),
      ])
    })

    test.each([`let term = 0\nterm += 1`, `export let term = 0`])(
      'state outside the bytes of the replica is refused: %s',
      async (code) => {
        expect(await bans(filePath, code)).toEqual([
          expect.stringMatching(/lives in its bytes.*field of the layout/),
        ])
      },
    )

    test('locals, constants and views handed out are free', async () => {
      const code = `
        const roundMax = 3
        export const poll = (context: { readonly view: { term: number } }): void => {
          let term = context.view.term
          if (term < roundMax) term += 1
          context.view.term = term
        }`
      expect(await lint(syntactic, filePath, code)).toEqual([])
    })
  },
)

test('layouts and the simulator may build raw memory', async () => {
  const code = `export const memory = new DataView(new ArrayBuffer(8))`
  expect(await bans('protocol/layout/struct.ts', code)).toEqual([])
  expect(await bans('sim/world/world.ts', code)).toEqual([])
})

test('a default export is refused everywhere but in the configuration of tools', async () => {
  const code = `export default 1`
  for (const file of ['protocol/x.ts', 'protocol/x/core.ts', 'sim/x.ts', 'cli/x.ts', 'tests/x.test.ts']) {
    expect(await bans(file, code), file).toEqual([expect.stringMatching(/by name/)])
  }
  expect(await bans('vitest.config.ts', code)).toEqual([])
})

test('`any`, a forgotten promise and a forgotten case are refused', async () => {
  const code = `
    declare const role: 'leader' | 'follower'
    export const parsed: any = 1
    Promise.resolve(1)
    switch (role) {
      case 'leader':
    }`
  // The rules that need types want a file that a project holds: this one stands in for it.
  const messages = await lint(typeAware, 'tests/project/lint-rules.test.ts', code)
  expect(messages.map((message) => message.split(':')[0])).toEqual([
    '@typescript-eslint/no-explicit-any',
    '@typescript-eslint/no-floating-promises',
    '@typescript-eslint/switch-exhaustiveness-check',
  ])
})
