/** A worker thread of the litmus command: enumerates one program after the other, as it is asked. */
import { parentPort } from 'node:worker_threads'
import { enumerateLitmus, judgeLitmus, parseLitmus } from '../model-check/litmus/index.js'
import { messageOf } from './error-place.js'
import { UsageError } from './errors.js'
import { litmusError } from './litmus-file.js'
import type { LitmusAnswer, LitmusReport, LitmusTask, OutcomeReport } from './litmus-order.js'

function execute({ file, text, broken, states }: LitmusTask): LitmusReport {
  const program = parseLitmus(file, text)
  const begin = performance.now()
  const result = enumerateLitmus(program, { broken, states })
  const seconds = (performance.now() - begin) / 1000
  const verdict = judgeLitmus(program, result)
  return {
    states: result.states,
    steps: result.steps,
    seconds,
    isComplete: result.isComplete,
    isAsExpected: verdict.isAsExpected,
    observables: program.observables.map((each) => each.text),
    outcomes: [
      ...verdict.outcomes.map(({ outcome, expected, schedule }): OutcomeReport => ({
        values: outcome.values,
        endings: outcome.endings.map(({ node, words }) => `n${String(node)} ${words}`).join(', '),
        expected,
        schedule,
      })),
      ...verdict.missing.map(({ values, endings }): OutcomeReport => ({
        values,
        endings,
        expected: 'allowed',
        schedule: undefined,
      })),
    ],
    failure: result.failure,
    restless: result.restless,
  }
}

const port = parentPort
if (port === null) throw new Error('litmus-worker.js is started as a worker thread')
port.on('message', (task: LitmusTask) => {
  let answer: LitmusAnswer
  try {
    answer = { index: task.index, report: execute(task) }
  } catch (thrown) {
    const error = litmusError(thrown)
    answer = {
      index: task.index,
      error: error instanceof UsageError ? error.message : `${task.file}: ${messageOf(error)}`,
      mend:
        error instanceof UsageError
          ? error.mend
          : 'this is a fault of Aviary or of the program; AVIARY_DEBUG=1 shows where it comes from.',
    }
  }
  port.postMessage(answer)
})
