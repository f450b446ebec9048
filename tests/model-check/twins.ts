/** Comparing the checker with its naive twin. */
import { expect } from 'vitest'
import { type PlainResult, enumerate } from '../../model-check/plain.js'
import { type CheckOptions, type CheckResult, check } from '../../model-check/search/index.js'
import type { SystemDefinition } from '../../protocol/index.js'
import { Run } from '../../sim/run/run.js'
import type { Setup } from '../../sim/run/setup.js'

export const countsOf = ({
  distinct,
  moved,
  idle,
  refused,
  generated,
  depth,
  beyond,
}: CheckResult | PlainResult) => ({
  distinct,
  moved,
  idle,
  refused,
  generated,
  depth,
  beyond,
})

/** Takes the schedule of a finding anew, and expects that it ends in that violation and not before. */
export function expectReplay(definition: SystemDefinition, setup: Setup, result: CheckResult): void {
  const { violation, actions } = result.finding!
  const run = new Run(definition, setup)
  for (const { site, subject } of actions) {
    expect(run.violation).toBeUndefined()
    const found = run.world.siteNamed(site)!
    run.take(found.index, found.find(subject))
  }
  run.finish()
  if (violation.kind !== 'liveness') expect(run.violation).toEqual(violation)
}

/**
 * Searches both ways. Without a violation all counts must be equal; with one the shortest schedules must be equally
 * long, and ours must lead there. Histories are judged by keeping them in the states of the plain search, and their
 * residues in ours, so then only verdicts can be compared.
 */
export function expectTwins(
  definition: SystemDefinition,
  setup: Setup,
  depth: number,
  options: CheckOptions = {},
): CheckResult {
  const judgesHistory = definition.build({
    nodes: setup.nodes,
    parameters: setup.parameters,
    bug: setup.bug,
    draw: { between: (least) => least },
  }).spec.history
  const isJudged = judgesHistory !== undefined && !setup.without.includes(judgesHistory.name)
  const { limits, ceilings, prompt, timers } = options
  const scenario = { limits, ceilings, prompt, timers }
  const plain = enumerate(definition, setup, { depth, ...scenario, ...(isJudged ? { history: 'kept' } : {}) })
  const ours = check(definition, setup, { depth, ...options })
  expect(ours.finding?.violation.kind === undefined).toBe(plain.finding === undefined)
  if (plain.finding !== undefined) {
    expect(ours.finding!.actions).toHaveLength(plain.finding.actions.length)
    expectReplay(definition, setup, ours)
  } else if (!isJudged) expect(countsOf(ours)).toEqual(countsOf(plain))
  return ours
}
