/** The list of actions taken: per action its site and its subject. It is the part of a run that cannot be recomputed. */

export class ActionLog {
  #sites = new Uint16Array(1024)
  #subjects = new Float64Array(1024)
  length = 0

  add(site: number, subject: number): void {
    if (this.length === this.#sites.length) this.#grow()
    this.#sites[this.length] = site
    this.#subjects[this.length++] = subject
  }
  clear(): void {
    this.length = 0
  }
  site(i: number): number {
    return this.#sites[i]!
  }
  subject(i: number): number {
    return this.#subjects[i]!
  }
  #grow(): void {
    const sites = new Uint16Array(this.#sites.length * 2)
    const subjects = new Float64Array(this.#sites.length * 2)
    sites.set(this.#sites)
    subjects.set(this.#subjects)
    this.#sites = sites
    this.#subjects = subjects
  }
  /** A copy of the first `length` actions. */
  slice(length = this.length): ActionLog {
    const copy = new ActionLog()
    for (let i = 0; i < length; i++) copy.add(this.#sites[i]!, this.#subjects[i]!)
    return copy
  }
}

/** One action by names that survive a change of code. */
export interface NamedAction {
  readonly site: string
  readonly subject: number
}
