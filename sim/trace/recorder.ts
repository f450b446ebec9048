/**
 * Recording while a run goes on: the actions, and fingerprints of the states.
 *
 * Contract. Costs some tens of nanoseconds an action: two typed arrays grow, touched parts are marked, and hashed every
 * 64 actions. A recorder only looks. Of a {@link Run}, which keeps its own list of actions, only the fingerprints are
 * recorded.
 */
import { ActionLog } from '../run/action-log.js'
import type { Run } from '../run/run.js'
import type { World } from '../world/world.js'
import { FingerprintLog, type FingerprintPoints } from './fingerprints.js'

/** Records a world that somebody steps by hand: `add` after each step that moved something, `clear` after each restore. */
export class TraceRecorder {
  readonly actions = new ActionLog()
  readonly #fingerprints: FingerprintLog

  constructor(world: World, fingerprintEvery?: number) {
    this.#fingerprints = new FingerprintLog(world, fingerprintEvery)
  }
  add(site: number, subject: number): void {
    this.actions.add(site, subject)
    this.#fingerprints.afterAction()
  }
  /** Begins anew at the world's present state. */
  clear(): void {
    this.actions.clear()
    this.#fingerprints.clear()
  }
  /** Ends the recording. */
  finish(): FingerprintPoints {
    return this.#fingerprints.finish()
  }
}

/** Fingerprints of a run, and when its violation was found. */
export class RunRecorder {
  readonly every: number
  /** How many actions had been taken when the run's violation was there, or -1. */
  violationAt: number
  readonly #run: Run
  readonly #fingerprints: FingerprintLog

  /** Hangs itself on `run.onAction`, behind whoever is there already. The run must not have taken an action yet. */
  constructor(run: Run, fingerprintEvery?: number) {
    if (run.log.length > 0) throw new RangeError('a RunRecorder is attached before the first action of a run')
    this.#run = run
    this.#fingerprints = new FingerprintLog(run.world, fingerprintEvery)
    this.every = this.#fingerprints.every
    this.violationAt = run.violation === undefined ? -1 : 0
    const before = run.onAction
    run.onAction =
      before === undefined
        ? () => this.#afterAction()
        : (index, site, subject) => {
            before(index, site, subject)
            this.#afterAction()
          }
  }
  #afterAction(): void {
    if (this.violationAt < 0 && this.#run.violation !== undefined) this.violationAt = this.#run.log.length
    this.#fingerprints.afterAction()
  }
  finish(): FingerprintPoints {
    return this.#fingerprints.finish()
  }
}
