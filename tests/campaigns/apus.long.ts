/**
 * The campaign of APUS: `aviary explore apus` with 3 and with 5 replicas for ten minutes on all cores, full swarm faults,
 * both durability modes (the swarm draws them). Nothing may be found, and every handler, note, role change and kind of
 * fault must have been met. The results are written beside this file, to be committed.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'

const seconds = Number(process.env['AVIARY_CAMPAIGN_SECONDS'] ?? 600)
const firstSeed = 7_000_000
const rows: object[] = []

interface Result {
  readonly actions: number
  readonly seeds: number
  readonly workers: number
  readonly converged: number
  readonly unjudgedHistories: number
  readonly violations: readonly object[]
  readonly coverage: {
    readonly handlers: { readonly missing: readonly string[] }
    readonly notes: { readonly missing: readonly string[] }
    readonly faults: { readonly missing: readonly string[] }
  }
}

afterAll(() => {
  const results = { firstSeed, seconds, rows }
  writeFileSync(new URL('apus.results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`)
})

describe('nothing is found in APUS', () => {
  for (const nodes of [3, 5])
    it(`${String(nodes)} replicas`, () => {
      const cli = fileURLToPath(new URL('../../cli/aviary.mjs', import.meta.url))
      const { stdout } = spawnSync(
        process.execPath,
        // prettier-ignore
        [cli, 'explore', 'apus', '--nodes', String(nodes), '--seconds', String(seconds), '--seed', String(firstSeed * nodes), '--json'],
        { encoding: 'utf8', maxBuffer: 2 ** 26 },
      )
      const result = JSON.parse(stdout.trim().split('\n').at(-1)!) as Result
      const { actions, seeds, workers, converged, unjudgedHistories, violations, coverage } = result
      const { handlers, notes, faults } = coverage
      const missing = [...handlers.missing, ...notes.missing, ...faults.missing]
      rows.push({ nodes, actions, seeds, workers, converged, unjudgedHistories, violations, missing })
      expect(violations).toEqual([])
      expect(missing).toEqual([])
    })
})
