/** The worker of the page as it comes with Aviary: a session that knows the systems of `protocol/` and the litmus programs. */
import { startWorker } from '../../viz/session/worker-port.js'
import { type NamedProgram, comingSystems } from './coming-systems.js'
import { pageRecordings } from './page-recordings.js'

/** What `scripts/build-page.mjs` puts in place of it. */
declare const litmusPrograms: readonly NamedProgram[]

startWorker(comingSystems(litmusPrograms), pageRecordings)
