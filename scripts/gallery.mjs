// Makes the traces of the gallery: for each wrong variant of each small system a hunted and minimised one.
//
//   node scripts/gallery.mjs [seconds for each, 10 unless given]
//
// Writes viz/gallery/<system>/<variant>.aviary, and leaves alone what is there. The traces of APUS come from apus-traces.mjs.
import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { bootstrapOrExit } from './bootstrap.mjs'

await bootstrapOrExit()
const root = dirname(dirname(fileURLToPath(import.meta.url)))
const { systems } = await import('../dist/protocol/index.js')
const seconds = process.argv[2] ?? '10'
const out = fs.mkdtempSync(join(tmpdir(), 'aviary-gallery-'))
const failed = []
for (const { name, bugs } of systems) {
  if (name === 'apus') continue
  for (const bug of Object.keys(bugs)) {
    const path = join(root, 'viz', 'gallery', name, `${bug}.aviary`)
    if (fs.existsSync(path)) continue
    const args = ['explore', name, '--bug', bug, '--seconds', seconds, '--json', '--out', join(out, bug)]
    const { stdout, stderr } = spawnSync(process.execPath, [join(root, 'cli', 'aviary.mjs'), ...args], {
      encoding: 'utf8',
    })
    const { violations } = JSON.parse(stdout || '{"violations":[]}')
    // The property that was made for the mistake tells most; of its traces the shortest.
    const told = violations
      .filter(({ trace }) => trace !== null)
      .sort((a, b) => rank(bugs[bug], a.name) - rank(bugs[bug], b.name) || a.steps - b.steps)
    if (told.length === 0) {
      failed.push(`${name} ${bug}: not found. ${stderr.trim().split('\n').at(-1) ?? ''}`)
      continue
    }
    fs.mkdirSync(dirname(path), { recursive: true })
    fs.copyFileSync(told[0].trace, path)
    console.log(`${name} ${bug}: ${told[0].name}, ${told[0].steps} actions`)
  }
}
fs.rmSync(out, { recursive: true, force: true })
for (const line of failed) console.error(line)
if (failed.length > 0) process.exitCode = 1

function rank({ caughtBy }, property) {
  const at = caughtBy.indexOf(property)
  return at < 0 ? caughtBy.length : at
}
