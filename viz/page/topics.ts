/** Who wants to know of what: the parts of the page know the workbench, not each other. */

/**
 * `run`: another branch is shown, or none. `cursor`: the position changed. `state`: the state there has come. `index`:
 * more of the branch is known. `branches`: the tree changed. `focus`: selection, filter or highlight changed. `play`:
 * playing, pausing, speed. `busy`: long work began, went on or ended. `failure`: something is to be told. `gallery`:
 * what can be opened is known.
 */
export type Topic =
  'run' | 'cursor' | 'state' | 'index' | 'branches' | 'focus' | 'play' | 'busy' | 'failure' | 'gallery'

export class Topics {
  readonly #listeners = new Map<Topic, (() => void)[]>()

  on(topics: readonly Topic[], listener: () => void): void {
    for (const topic of topics) {
      const listeners = this.#listeners.get(topic) ?? []
      listeners.push(listener)
      this.#listeners.set(topic, listeners)
    }
  }
  tell(topic: Topic): void {
    for (const listener of this.#listeners.get(topic) ?? []) listener()
  }
}
