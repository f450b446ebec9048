/** A worker thread of a check: takes part in rounds. See check-pool.ts. */
import { parentPort } from 'node:worker_threads'
import { type Round, sweepShared } from '../model-check/index.js'

parentPort?.on('message', (round: Round) => {
  parentPort?.postMessage(sweepShared(round))
})
