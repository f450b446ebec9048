import { describe, expect, it } from 'vitest'
import {
  Run,
  decodeTrace,
  encodeTrace,
  namesOf,
  recordTrace,
  replayGuided,
  replayStrict,
  sameViolation,
  shrink,
} from '../../sim/index.js'
import { hunt, smallVariants } from './hunt.js'
import { systems } from '../../protocol/index.js'

describe('a wrong variant is caught by the swarm that the right protocol passes', () => {
  for (const { definition, bug } of smallVariants)
    it(`${definition.name} ${bug}`, () => {
      const { finding } = hunt(definition, { bug }, 1, { seeds: 400 })
      expect(finding, 'nothing found').toBeDefined()
      const { plan, violation, actions } = finding!
      const run = new Run(definition, plan.setup)
      const shrunk = shrink(definition, plan.setup, namesOf(run.world, actions), violation, { plays: 4_000 })
      if (violation.kind === 'liveness') return
      expect(shrunk.reproduced).toBe(true)
      expect(sameViolation(shrunk.violation, violation)).toBe(true)
      expect(shrunk.actions.length).toBeLessThanOrEqual(actions.length)

      const small = new Run(definition, shrunk.setup)
      for (const action of shrunk.actions) {
        const site = small.world.siteNamed(action.site)!
        small.take(site.index, site.find(action.subject))
      }
      small.finish()
      expect(small.violation).toEqual(shrunk.violation)
      const bytes = encodeTrace(recordTrace(small, { provenance: { seed: plan.seed } }))
      for (let time = 0; time < 2; time++) {
        const replayed = replayStrict(definition, decodeTrace(bytes))
        expect(replayed.outcome).toBe('reproduced')
        expect(encodeTrace(recordTrace(replayed.run, { provenance: { seed: plan.seed } }))).toEqual(bytes)
      }
      const right = replayGuided(definition, decodeTrace(bytes), {
        setup: { ...shrunk.setup, bug: undefined },
        heal: true,
      })
      expect(right.violation).toBeUndefined()
    })
})

describe('the right protocol survives what it promises to survive', () => {
  for (const definition of systems)
    it(definition.name, () => {
      const { finding, runs } = hunt(definition, {}, 1, { cpuSeconds: 8 })
      expect(finding?.violation).toBeUndefined()
      expect(runs).toBeGreaterThan(100)
    })
})

describe('one step beyond the promise there is a violation', () => {
  for (const definition of systems) {
    const { atlas } = definition.build({
      nodes: definition.nodes.default,
      parameters: Object.fromEntries(
        Object.entries(definition.parameters).map(([name, p]) => [name, p.default]),
      ),
      bug: undefined,
      draw: { between: (minimum) => minimum },
    })
    it(`${definition.name} has an edge`, () => {
      expect(atlas.beyond.length).toBeGreaterThan(0)
    })
    for (const beyond of atlas.beyond)
      it(`${definition.name} ${beyond.name}`, () => {
        const { finding } = hunt(definition, { faults: { beyond: beyond.name } }, 1, { seeds: 400 })
        expect(beyond.caughtBy).toContain(finding?.violation.name)
      })
  }
})
