// Plays the stories of protocols (tests/apus/stories) and holds what happens against what is written there.
//
//   node scripts/stories.mjs           writes nothing; exits 1 when something else happens than is written
//   node scripts/stories.mjs --write   writes what happens into the stories: to be read before it is committed
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { bootstrapOrExit } from './bootstrap.mjs'

const root = fileURLToPath(new URL('../', import.meta.url))
const usage = 'node scripts/stories.mjs [--write]'
const [option, ...rest] = process.argv.slice(2)
if (rest.length > 0 || (option !== undefined && option !== '--write')) {
  console.error(`There is no such option. Usage: ${usage}`)
  process.exit(2)
}
await bootstrapOrExit()
const vitest = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))
const { status } = spawnSync(process.execPath, [vitest, 'run', 'tests/apus/stories.test.ts'], {
  cwd: root,
  stdio: 'inherit',
  env: { ...process.env, AVIARY_STORIES: option === '--write' ? 'write' : '' },
})
process.exit(status ?? 1)
