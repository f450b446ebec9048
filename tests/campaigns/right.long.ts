/**
 * The small right protocols under the full swarm, ten minutes of processor time each; APUS has a campaign of its own.
 * Results are written beside this file.
 */
import { writeFileSync } from 'node:fs'
import { afterAll, describe, expect, it } from 'vitest'
import { systems } from '../../protocol/index.js'
import { exploreSeed } from '../../sim/index.js'

const firstSeed = 5_000_000
const cpuSeconds = Number(process.env['AVIARY_CAMPAIGN_SECONDS'] ?? 600)
const rows: object[] = []

afterAll(() => {
  const results = { firstSeed, cpuSecondsPerSystem: cpuSeconds, rows }
  writeFileSync(new URL('right.results.json', import.meta.url), `${JSON.stringify(results, null, 2)}\n`)
})

describe('nothing is found in a right protocol', () => {
  for (const definition of systems.filter(({ name }) => name !== 'apus'))
    it(definition.name, () => {
      const begun = process.cpuUsage()
      const used = (): number => {
        const { user, system } = process.cpuUsage(begun)
        return (user + system) / 1e6
      }
      const row = {
        system: definition.name,
        seeds: 0,
        runs: 0,
        actions: 0,
        converged: 0,
        unjudgedHistories: 0,
      }
      const found: string[] = []
      while (used() < cpuSeconds) {
        const seed = firstSeed + row.seeds++
        const result = exploreSeed(definition, seed, {}, () => used() >= cpuSeconds)
        row.runs += result.runs
        row.actions += result.moved
        row.converged += result.converged
        row.unjudgedHistories += result.unjudgedHistories
        for (const { violation, run } of result.findings)
          found.push(`seed ${String(seed)} run ${String(run)}: ${violation.name}: ${violation.reason}`)
      }
      rows.push({ ...row, found })
      expect(found).toEqual([])
    })
})
