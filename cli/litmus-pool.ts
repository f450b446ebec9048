/** Litmus programs on worker threads: each thread is given the next program when it has done one. */
import { Worker } from 'node:worker_threads'
import { UsageError, oneLine } from './errors.js'
import type { LitmusAnswer, LitmusReport, LitmusTask } from './litmus-order.js'

export async function runTasks(
  tasks: readonly LitmusTask[],
  workers: number,
  onReport: (task: LitmusTask, report: LitmusReport, done: number) => void,
): Promise<readonly LitmusReport[]> {
  const reports: LitmusReport[] = []
  const threads: Worker[] = []
  let next = 0
  let done = 0
  let failure: UsageError | undefined
  const work = (): Promise<void> =>
    new Promise((resolve) => {
      const thread = new Worker(new URL('./litmus-worker.js', import.meta.url))
      threads.push(thread)
      const give = (): void => {
        const task = tasks[next++]
        if (task === undefined || failure !== undefined) void thread.terminate()
        else thread.postMessage(task)
      }
      thread.on('message', (answer: LitmusAnswer) => {
        if ('error' in answer) failure ??= new UsageError(answer.error, answer.mend)
        else {
          reports[answer.index] = answer.report
          onReport(tasks[answer.index]!, answer.report, ++done)
        }
        give()
      })
      thread.on('error', (error) => {
        failure ??= new UsageError(
          `a worker thread ended: ${oneLine(error.message)}`,
          'use fewer --workers, or --states with a smaller number, if memory ran out.',
        )
      })
      thread.on('exit', () => {
        resolve()
      })
      give()
    })
  await Promise.all(Array.from({ length: Math.min(workers, tasks.length) }, work))
  if (failure !== undefined) throw failure
  return reports
}
