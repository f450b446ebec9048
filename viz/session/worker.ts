/** The worker of the page as it comes with Aviary: a session that knows the systems of `protocol/`. */
import { systems } from '../../protocol/index.js'
import { startWorker } from './worker-port.js'

startWorker(systems.map((definition) => ({ definition, origin: 'built-in' })))
