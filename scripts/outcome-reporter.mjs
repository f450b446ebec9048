// A vitest reporter that writes what scripts/test.mjs counts: outcomes, and the reason of each skipped test,
// which vitest's own JSON report leaves out.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'

const path = process.env.AVIARY_TEST_OUTCOME

/** Errors outside any test: a file that does not load, a hook that throws. */
const errorsAround = (collection) =>
  collection.errors().length +
  [...collection.children.suites()].reduce((sum, suite) => sum + errorsAround(suite), 0)

export default class OutcomeReporter {
  onTestRunEnd(modules, unhandledErrors) {
    const outcome = { passed: 0, failed: unhandledErrors.length, skipped: [] }
    for (const module of modules) {
      outcome.failed += errorsAround(module)
      for (const test of module.children.allTests()) {
        const { state, note } = test.result()
        if (state === 'passed') outcome.passed += 1
        else if (state === 'skipped') {
          const file = relative(process.cwd(), module.moduleId)
          outcome.skipped.push({ name: `${file}: ${test.fullName}`, reason: note ?? 'no reason given' })
        } else outcome.failed += 1
      }
    }
    if (path === undefined) return
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, JSON.stringify(outcome))
  }
}
