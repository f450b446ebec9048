// `npm test`: every check that must hold before a change is accepted, each as a stage with a name and a time.
// Arguments go to vitest and then only the tests run: `npm test -- tests/sim -t "late packet"`.
// The last line is always `N passed, N failed, N skipped`, also when packages are missing or sources do not compile
// (hence bootstrap is a stage here, not a command before it); a stage that fails counts as one failure.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const outcomePath = join(root, '.cache', 'test-outcome.json')
const filter = process.argv.slice(2)
const skipsForbidden = ['true', '1'].includes(process.env.CI ?? '')

// The longest first, so that two at a time finish earliest.
const staticStages = [
  { name: 'lint', command: ['eslint', '.', '--max-warnings', '0'] },
  { name: 'types', command: ['tsc', '-b'] },
  {
    name: 'format',
    command: [
      'prettier',
      '--check',
      '.',
      '--log-level',
      'warn',
      '--cache',
      '--cache-location',
      '.cache/prettier',
    ],
  },
  { name: 'dead code', command: ['knip', '--no-progress'] },
]
const staticStagesAtOnce = 2

/** Resolves to whether the command succeeded, how long it took, and its output unless that was shown at once. */
const run = ([command, ...args], { show = false } = {}) =>
  new Promise((resolve) => {
    const startMs = performance.now()
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, AVIARY_TEST_OUTCOME: outcomePath },
      stdio: show ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const collect = (chunk) => (output += chunk)
    child.stdout?.setEncoding('utf8').on('data', collect)
    child.stderr?.setEncoding('utf8').on('data', collect)
    const end = (ok) => resolve({ ok, output, seconds: (performance.now() - startMs) / 1000 })
    child.on('error', (error) => {
      output += error.message
      end(false)
    })
    child.on('close', (code) => end(code === 0))
  })

const installed = ([command, ...args]) => [join(root, 'node_modules', '.bin', command), ...args]

const row = ({ name, ok, seconds }) =>
  `  ${name.padEnd(10)} ${ok ? 'ok    ' : 'FAILED'} ${seconds.toFixed(1).padStart(6)} s`

/** Packages and build, as `npm start` makes them: tests of the command must not find it stale. */
const runBootstrap = async () => {
  const result = {
    name: 'bootstrap',
    ...(await run([process.execPath, 'scripts/bootstrap.mjs', '--for-tests'], { show: true })),
  }
  console.log(row(result))
  return result
}

const runStatic = async () => {
  const results = []
  const queue = [...staticStages]
  const worker = async () => {
    for (let stage = queue.shift(); stage !== undefined; stage = queue.shift()) {
      const result = { name: stage.name, ...(await run(installed(stage.command))) }
      results.push(result)
      console.log(row(result))
      if (!result.ok) console.log(result.output.trimEnd().replace(/^/gm, '    '))
    }
  }
  await Promise.all(Array.from({ length: staticStagesAtOnce }, worker))
  return results
}

const runTests = async () => {
  rmSync(outcomePath, { force: true })
  const reporters = ['--reporter=default', '--reporter=./scripts/outcome-reporter.mjs']
  const result = {
    name: 'tests',
    ...(await run(installed(['vitest', 'run', ...reporters, ...filter]), { show: true })),
  }
  let outcome
  try {
    outcome = JSON.parse(readFileSync(outcomePath, 'utf8'))
  } catch {
    // Vitest did not come to its end, and said why above.
    outcome = { passed: 0, failed: 0, skipped: [] }
  }
  // For instance: no test matched the arguments.
  if (!result.ok && outcome.failed === 0) outcome.failed = 1
  return { result, outcome }
}

const stages = [await runBootstrap()]
// Sources that do not compile still leave much to check; without packages there is nothing to check with.
if (!existsSync(installed(['vitest'])[0])) {
  console.log('\n0 passed, 1 failed, 0 skipped')
  process.exit(1)
}
if (filter.length === 0) stages.push(...(await runStatic()))
const { result, outcome } = await runTests()
stages.push(result)

console.log('\nSummary')
for (const stage of stages) console.log(row(stage))
if (filter.length > 0) console.log('  Only tests were run, as arguments were given.')

const { passed, skipped } = outcome
if (skipped.length > 0) {
  console.log(skipsForbidden ? '\nSkipped, which CI does not accept:' : '\nSkipped:')
  // Vitest counts what `-t` leaves out as skipped too, so outside CI the list may be long and says little.
  const shown = skipsForbidden ? skipped : skipped.slice(0, 20)
  for (const { name, reason } of shown) console.log(`  ${name} (${reason})`)
  if (shown.length < skipped.length) console.log(`  … and ${skipped.length - shown.length} more`)
}

const failed = outcome.failed + stages.filter((stage) => stage !== result && !stage.ok).length
if (failed > 0 || (skipsForbidden && skipped.length > 0)) process.exitCode = 1
console.log(`\n${passed} passed, ${failed} failed, ${skipped.length} skipped`)
