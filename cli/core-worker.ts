/** The thread of a core in a replica process: loads the system, and runs it. See `runner/core-thread.ts`. */
import { setFlagsFromString } from 'node:v8'
import { parentPort, workerData } from 'node:worker_threads'
import { type CoreOrder, runCoreThread } from '../runner/index.js'
import { type SystemSource, openSystem } from './system-source.js'

// As in main.ts: flags are those of the process, but code compiled before them is not.
setFlagsFromString('--max-inlined-bytecode-size-cumulative=10000')
setFlagsFromString('--max-inlined-bytecode-size=2000')

const port = parentPort
if (port === null) throw new Error('core-worker.js is started as a worker thread')
const order = workerData as CoreOrder
runCoreThread(await openSystem(order.source as SystemSource), order, port)
