/**
 * The gallery's regressions. Of each wrong variant that breaks safety a shortened trace is kept: it ends in the same
 * violation whenever it is replayed, byte for byte, and the right protocol survives the same story. They are made by
 * `node scripts/apus-traces.mjs`. Of variants that only stop progress the beginning of a run is kept, and they are hunted.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { apus } from '../../protocol/apus/index.js'
import {
  Random,
  decodeTrace,
  demandGoal,
  encodeTrace,
  recordTrace,
  replayGuided,
  replayStrict,
} from '../../sim/index.js'
import { hunt } from '../systems/hunt.js'

/**
 * Variants whose only harm is that progress ends. A run of that is as long as patience, so only its beginning is kept:
 * after it the goal is not reached.
 */
const stops = [
  'waits-for-all',
  'zero-is-no-acknowledgement',
  'idle-commit-untold',
  'swallowed-completions-awaited',
]

const fileOf = (bug: string): string => fileURLToPath(new URL(`traces/${bug}.aviary`, import.meta.url))

describe('a kept trace', () => {
  for (const bug of Object.keys(apus.bugs).filter((name) => !stops.includes(name)))
    it(bug, () => {
      expect(existsSync(fileOf(bug)), 'no trace is kept').toBe(true)
      const bytes = readFileSync(fileOf(bug))
      const trace = decodeTrace(bytes)
      expect(trace.header.setup.bug).toBe(bug)
      const { outcome, run } = replayStrict(apus, trace)
      expect(outcome).toBe('reproduced')
      expect([...apus.bugs[bug]!.caughtBy, 'assertion']).toContain(run.violation?.name)
      const { provenance, fingerprintEvery } = trace.header
      const again = encodeTrace(recordTrace(run, { provenance, fingerprintEvery }))
      expect(Buffer.compare(again, bytes)).toBe(0)
      const right = replayGuided(apus, trace, {
        setup: { ...trace.header.setup, bug: undefined },
        heal: true,
      })
      expect(right.violation).toBeUndefined()
    })
})

// As long as patience, eight times.
describe('the kept beginning of a run that stops for ever', { timeout: 240_000 }, () => {
  // Which replicas stay down while the goal is demanded is drawn.
  const goalSeeds = [1, 2, 3, 4]
  for (const bug of stops)
    it(bug, () => {
      const trace = decodeTrace(readFileSync(fileOf(bug)))
      const { setup } = trace.header
      expect(setup.bug).toBe(bug)
      let reason: string | undefined
      for (const seed of goalSeeds) {
        const { outcome, run } = replayStrict(apus, trace)
        expect(outcome).toBe('reproduced')
        expect(run.violation).toBeUndefined()
        demandGoal(run, new Random(seed))
        reason ??= run.violation?.name
        if (reason !== undefined) break
      }
      expect(apus.bugs[bug]!.caughtBy).toContain(reason)
      for (const seed of goalSeeds) {
        const { run } = replayGuided(apus, trace, { setup: { ...setup, bug: undefined } })
        demandGoal(run, new Random(seed))
        expect(run.violation).toBeUndefined()
      }
    })
})

describe('what was once wrong in the right core', () => {
  const folder = fileURLToPath(new URL('found/', import.meta.url))
  for (const file of readdirSync(folder))
    it(file, () => {
      const trace = decodeTrace(readFileSync(`${folder}${file}`))
      // Which replicas stay down afterwards is drawn.
      for (const seed of [1, 2, 3]) {
        const { followed, run } = replayGuided(apus, trace, {
          setup: { ...trace.header.setup, bug: undefined },
        })
        expect(followed).toBeGreaterThan(trace.actions.length / 2)
        demandGoal(run, new Random(seed))
        expect(run.violation).toBeUndefined()
      }
    })
})

describe('a variant that stops progress is found', () => {
  for (const bug of stops)
    it(
      bug,
      () => {
        const { finding } = hunt(apus, { bug }, 1, { seeds: 60 })
        expect(apus.bugs[bug]!.caughtBy).toContain(finding?.violation.name)
      },
      300_000,
    )
})
