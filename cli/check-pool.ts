/** Worker threads that take part in the rounds of a check. */
import { Worker } from 'node:worker_threads'
import type { Round, RoundReport } from '../model-check/index.js'
import { UsageError, oneLine } from './errors.js'

export interface CheckPool {
  /** Has all threads take part in a round. */
  run(round: Round): Promise<readonly RoundReport[]>
  end(): Promise<void>
}

export function checkPool(threads: number): CheckPool {
  const workers = Array.from(
    { length: threads },
    () => new Worker(new URL('./check-worker.js', import.meta.url)),
  )
  const one = (worker: Worker, round: Round): Promise<RoundReport> =>
    new Promise((resolve, reject) => {
      const settle = (act: () => void): void => {
        worker.off('message', onMessage)
        worker.off('error', onError)
        act()
      }
      const onMessage = (report: RoundReport): void => {
        settle(() => {
          resolve(report)
        })
      }
      const onError = (error: Error): void => {
        settle(() => {
          reject(
            new UsageError(
              `a worker thread ended: ${oneLine(error.message)}`,
              'use fewer --workers, or --memory with a smaller number, if memory ran out.',
            ),
          )
        })
      }
      worker.on('message', onMessage)
      worker.on('error', onError)
      worker.postMessage(round)
    })
  return {
    run: (round) => Promise.all(workers.map((worker) => one(worker, round))),
    async end() {
      await Promise.all(workers.map((worker) => worker.terminate()))
    },
  }
}
