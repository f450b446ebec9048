/**
 * Random: armed actions are taken at random; faults come at their own pace. Each run draws a weight for each site, so
 * that in one run a channel, a disk or a node is slow against all others, and repetitions (timers, retries) are rare or
 * frequent.
 */
import { Walk, repeaters } from './walk.js'

/** Weights that sites draw from in a run: all alike, some slow, some very slow. */
const skews: readonly (readonly number[])[] = [[1], [1, 1, 1, 0.1], [1, 1, 0.1, 0.01], [1, 0.001]]
/** Weight of repetitions. */
const repetitions: readonly number[] = [1, 0.1, 0.01]

export class RandomWalk extends Walk {
  readonly name = 'random'
  readonly #weights = new Float64Array(this.world.sites.length)
  readonly #weightOf = (site: number): number => this.world.armed[site]! * this.#weights[site]!

  protected beginRun(): void {
    const { random } = this
    const skew = random.pick(skews)
    const repetition = random.pick(repetitions)
    for (const site of this.sites)
      this.#weights[site] =
        random.pick(skew) * (repeaters.includes(this.world.sites[site]!.kind) ? repetition : 1)
  }
  protected chooseSite(): number {
    return this.drawByWeight(this.#weightOf)
  }
}
