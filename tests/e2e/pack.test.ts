import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { exploreJson, jsonOf } from '../cli/support.js'
import { checkout, tutorialProtocols } from '../docs/support.js'

const folder = mkdtempSync(join(tmpdir(), 'aviary-packed-'))
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

function run(
  cwd: string,
  command: string,
  ...args: readonly string[]
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  // npm hands its settings down to the scripts that it runs; a user's shell has none of them.
  const own = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name))
  const env = { ...Object.fromEntries(own), NO_COLOR: '1', FORCE_COLOR: '' }
  return new Promise((resolve) => {
    execFile(command, args, { cwd, env, maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
  })
}

async function must(cwd: string, command: string, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(cwd, command, ...args)
  expect(code, `${command} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0)
  return stdout
}

/** Plain JavaScript that TypeScript accepts as well. */
const script = `
import { systems } from 'aviary'
import { exploreSeed } from 'aviary/sim'

const [first] = systems
if (first === undefined) throw new Error('there are no systems')
const { moved, findings } = exploreSeed(first, 1, {})
console.log(\`\${first.name} \${moved > 0} \${findings.length}\`)
`

test('the packed package works in an empty folder, with its types', { timeout: 120_000 }, async () => {
  // Without scripts: the build is that of this checkout, and must not be written while other tests run it.
  await must(checkout, 'npm', 'pack', '--ignore-scripts', '--pack-destination', folder)
  const [tarball] = readdirSync(folder)
  expect(tarball).toMatch(/^aviary-.*\.tgz$/)
  writeFileSync(join(folder, 'package.json'), '{ "name": "mine", "private": true, "type": "module" }\n')
  await must(folder, 'npm', 'install', `./${tarball!}`, '--prefer-offline', '--no-audit', '--no-fund')

  const { wrong, mended } = tutorialProtocols()
  writeFileSync(join(folder, 'my-protocol.ts'), wrong)
  writeFileSync(join(folder, 'mended.ts'), mended)
  writeFileSync(join(folder, 'script.ts'), `declare const console: { log(text: string): void }\n${script}`)
  writeFileSync(join(folder, 'script.mjs'), script)
  const compilerOptions = {
    strict: true,
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023'],
    types: [],
    noEmit: true,
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  const compiler = join(checkout, 'node_modules', 'typescript', 'bin', 'tsc')
  await must(folder, process.execPath, compiler, '--noEmit', '-p', '.')

  expect(await must(folder, process.execPath, 'script.mjs')).toBe('2pc true 0\n')

  // The native layer is built in a checkout only.
  const refused = await run(folder, 'npx', 'aviary', 'run', 'paxos', '--local', '3')
  expect(refused.code).toBe(2)
  expect(refused.stderr).toMatch(/error: replicas cannot be run here.*\nmend: it needs Linux and g\+\+/)

  const found = await run(folder, 'npx', 'aviary', 'explore', './my-protocol.ts', '--seconds', '30', '--json')
  expect(found.code, found.stderr).toBe(1)
  expect(jsonOf(exploreJson, found).violations.map(({ name }) => name)).toEqual(['linearizable'])
  const right = await run(folder, 'npx', 'aviary', 'explore', './mended.ts', '--seconds', '3', '--json')
  expect(right.code, right.stderr).toBe(0)
  expect(jsonOf(exploreJson, right).violations).toEqual([])

  // The built page comes with the package; the worker is bundled with the user's module there and then.
  const launcher = join(folder, 'node_modules', 'aviary', 'cli', 'aviary.mjs')
  const viewer = spawn(process.execPath, [launcher, 'view', './my-protocol.ts', '--no-open', '--json'], {
    cwd: folder,
  })
  try {
    const said = await new Promise<string>((resolve, reject) => {
      let text = ''
      const hear = (chunk: Buffer): void => {
        text += chunk.toString()
        if (/^\{.*\}$/m.test(text)) resolve(text)
      }
      viewer.stdout.on('data', hear)
      viewer.stderr.on('data', hear)
      viewer.on('close', (code) => {
        reject(new Error(`aviary view ended with ${String(code)}: ${text}`))
      })
    })
    const url = /"url":"([^"]+)"/.exec(said)![1]!
    expect(await (await fetch(url)).text()).toContain('main.js')
    expect(await (await fetch(`${url}worker.js`)).text()).toContain('origin: "module"')
  } finally {
    viewer.kill('SIGINT')
  }
})
