import { describe, expect, test } from 'vitest'
import { type Knobs, type SystemDefinition, faultKinds, ruleNames } from '../../../protocol/index.js'
import { paxos } from '../../../protocol/paxos/index.js'
import { rdmaRegister } from '../../../protocol/rdma-register/index.js'
import { twoPhaseCommit } from '../../../protocol/two-phase-commit/index.js'
import { type Setup, defaultSetup } from '../../../sim/run/setup.js'
import { type Site, actionKinds } from '../../../sim/world/site.js'
import { defaultKnobs } from '../../../sim/world/options.js'
import { Auditor } from './audit.js'
import { everything } from './everything.js'

const budgetOf = (most: number) => Object.fromEntries(faultKinds.map((kind) => [kind, most]))
/** Few faults, but all of them can be repaired. */
const fewFaults = { ...budgetOf(3), restart: Infinity, resume: Infinity, heal: Infinity, mend: Infinity }
const knobSets: readonly Knobs[] = [
  defaultKnobs,
  { ...defaultKnobs, poll: 'loads', placement: 'shuffled', fetch: 'early', psn: 'constant' },
  { ...defaultKnobs, poll: 'loads', placement: 'in-order', visibility: 'prompt' },
  { ...defaultKnobs, placement: 'in-order', fetch: 'by-word' },
]

function auditor(definition: SystemDefinition, change: Partial<Setup>, seed = 1): Auditor {
  return new Auditor(definition, { ...defaultSetup(definition), budget: budgetOf(Infinity), ...change }, seed)
}

describe('a world keeps its rules over long random runs:', () => {
  for (const definition of [twoPhaseCommit, paxos, rdmaRegister])
    test(definition.name, () => {
      const findings = knobSets.flatMap((knobs, i) => {
        const one = auditor(definition, { knobs, budget: budgetOf(i % 2 === 0 ? Infinity : 3) }, i)
        one.walk({ steps: 1000 })
        return [...one.findings.keys()]
      })
      expect(findings).toEqual([])
    })

  test('a system that does everything', () => {
    const findings: string[] = []
    const taken = new Set<string>()
    for (const variant of [0, 1, 2])
      for (const [i, knobs] of knobSets.entries()) {
        const budget = i === 2 ? fewFaults : budgetOf(Infinity)
        const one = auditor(
          everything,
          { knobs, parameters: { network: variant, fabric: variant }, nodes: 2 + (i % 2), budget },
          variant * 10 + i,
        )
        one.walk({ steps: 1000, deepEvery: 25 })
        findings.push(...one.findings.keys())
        for (const kind of one.kindsTaken) taken.add(kind)
      }
    expect(findings).toEqual([])
    // A walk that met only half of what can happen proves half. `calm` is taken by name only.
    expect(actionKinds.filter((kind) => !taken.has(kind) && kind !== 'calm')).toEqual([])
  })
})

test('a world keeps its rules whichever rule of the hardware is broken, with and without faults', () => {
  const findings = ruleNames.flatMap((rule, i) =>
    [0, 1, 2].flatMap((variant) => {
      const knobs: Knobs = { ...knobSets[(i + variant) % knobSets.length]!, broken: [rule] }
      const parameters = { network: variant, fabric: variant }
      const budget = (i + variant) % 3 === 0 ? {} : budgetOf(Infinity)
      const one = auditor(everything, { knobs, parameters, nodes: 2, budget }, i)
      one.walk({ steps: 600, deepEvery: 1000 })
      return [...one.findings.keys()].map((finding) => `${rule}: ${finding}`)
    }),
  )
  expect(findings).toEqual([])
})

describe('the auditor finds a site', () => {
  const tampered = (kind: string, change: (site: Site) => Partial<Site>): string[] => {
    const one = auditor(everything, { knobs: knobSets[0]!, nodes: 2 })
    one.tamper((site) => (site.kind === kind ? change(site) : {}))
    one.walk({ steps: 400, deepEvery: 2 })
    return [...one.findings.keys()].map((finding) => finding.replace(/^[^:]*: /, ''))
  }
  const without = (parts: readonly number[], part: number | undefined): number[] =>
    parts.filter((other) => other !== part)

  test('that writes what it does not declare', () => {
    const findings = tampered('deliver', (site) => ({ writes: without(site.writes, site.writes[0]) }))
    expect(findings).toContain('deliver writes a part of kind channel that it does not declare')
  })
  test('that is armed by what it does not declare', () => {
    const findings = tampered('deliver', (site) => ({ guards: without(site.guards, site.guards[1]) }))
    expect(findings).toContain('deliver is armed by what its guards do not declare')
  })
  test('that reads what it does not declare', () => {
    const undeclared = (site: Site) => ({ reads: [], writes: without(site.writes, site.reads[0]) })
    const findings = tampered('timer', undeclared)
    expect(findings).toContain(
      'timer leaves other bytes in a part of kind control when undeclared parts differ',
    )
  })
  test('that says moved when nothing changed', () => {
    const findings = tampered('input', (site) => ({
      step: (choice) => (site.name.endsWith('nothing') ? 2 : site.step(choice)),
    }))
    expect(findings).toContain('input says moved but no byte changes')
  })
  test('whose subject does not lead back to the choice', () => {
    const findings = tampered('deliver', () => ({ find: () => -1 }))
    expect(findings).toContain('deliver does not find the subject of a choice')
  })
})
