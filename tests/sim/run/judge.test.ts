import { expect, test } from 'vitest'
import { apus } from '../../../protocol/apus/index.js'
import { Judge, Random, Run, type Violation, drawPlan } from '../../../sim/index.js'
import { makeScheduler } from '../../../sim/explore/explore.js'

/** Not narrowed by what was known of it before a step. */
const violationOf = (run: Run): Violation | undefined => run.violation

test('to look only at what a step has changed finds what a look at everything finds', () => {
  let found = 0
  const variants = [undefined, 'waits-for-all', 'completion-is-acknowledgement', 'acknowledged-before-stored']
  for (const bug of variants)
    for (let seed = 1; seed <= 12; seed++) {
      const plan = drawPlan(apus, seed, { bug })
      const run = new Run(apus, plan.setup)
      const scheduler = makeScheduler(run.world, plan, new Random(seed))
      // Looks at every invariant with all nodes changed.
      const other = new Judge(run.world)
      scheduler.begin()
      for (let left = 400; left > 0 && run.violation === undefined && scheduler.next(); left--) {
        scheduler.after(run.take(scheduler.site, scheduler.choice))
        const expected = other.atStart()
        // A step and a role are judged against the one before, which a judge at its start does not know.
        const violation = violationOf(run)
        if (violation?.kind !== 'step' && violation?.kind !== 'role') expect(violation).toEqual(expected)
        if (violation === undefined) expect(run.judge.goalReached()).toBe(other.goalReached())
        other.reset()
      }
      if (violationOf(run) !== undefined) found++
    }
  expect(found).toBeGreaterThan(0)
})
