/**
 * Uniform walk (Zhao, Wolff, Mathur, Roychoudhury: Selectively Uniform Concurrency Testing, ASPLOS 2025), with sites in
 * the place of threads: a site is chosen with a probability proportional to the number of actions it still has to do, so
 * that interleavings, not steps, are equally likely. The numbers are those of the previous run from the same state.
 */
import { Outcome } from '../world/site.js'
import { Walk } from './walk.js'

export class UniformWalk extends Walk {
  readonly name = 'uniform-walk'
  /** Actions per site in the run that went before, and left in this one. */
  readonly #done = new Float64Array(this.world.sites.length)
  readonly #left = new Float64Array(this.world.sites.length)
  readonly #weightOf = (site: number): number => Math.max(1, this.#left[site]!)

  protected beginRun(): void {
    this.#left.set(this.#done)
    this.#done.fill(0)
  }
  protected chooseSite(): number {
    return this.drawByWeight(this.#weightOf)
  }
  override after(outcome: Outcome): void {
    super.after(outcome)
    if (outcome !== Outcome.moved) return
    this.#done[this.site]!++
    if (this.#left[this.site]! > 0) this.#left[this.site]!--
  }
}
