import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { z } from 'zod'

const program = fileURLToPath(new URL('commits.mjs', import.meta.url))
const inlining = ['--max-inlined-bytecode-size=2000', '--max-inlined-bytecode-size-cumulative=10000']
const measured = z.object({ commit: z.number(), idle: z.number() })

function measure(mode: 'off' | 'flight'): z.output<typeof measured> {
  const args = [...inlining, program, mode, '12']
  return measured.parse(JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })))
}

// The figures of docs/recording.md come from this program. The bounds leave room for a machine that does other work.
test(
  'recording costs no multiple of a commit, and little while nothing happens',
  { timeout: 120_000 },
  () => {
    const rounds = [0, 1].map(() => ({ off: measure('off'), flight: measure('flight') }))
    const least = (mode: 'off' | 'flight', what: 'commit' | 'idle'): number =>
      Math.min(...rounds.map((round) => round[mode][what]))
    const commits = least('flight', 'commit') / least('off', 'commit')
    const idle = least('flight', 'idle') / least('off', 'idle')
    console.log(`recording / no recording: commits ${commits.toFixed(2)}, idle turns ${idle.toFixed(2)}`)
    expect(commits).toBeLessThan(3.5)
    expect(idle).toBeLessThan(2)
  },
)
