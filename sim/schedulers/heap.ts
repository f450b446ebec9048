/** A binary heap of (time, sequence, site, subject) on typed arrays: equal times leave in the order they came. */
export class EventHeap {
  #times = new Float64Array(256)
  #sequences = new Float64Array(256)
  #sites = new Int32Array(256)
  #subjects = new Float64Array(256)
  #next = 0
  size = 0
  // The last event popped.
  time = 0
  site = 0
  subject = 0

  clear(): void {
    this.size = 0
    this.#next = 0
  }

  push(time: number, site: number, subject: number): void {
    if (this.size === this.#times.length) this.#grow()
    const sequence = this.#next++
    const times = this.#times
    const sequences = this.#sequences
    let i = this.size++
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (times[parent]! < time || (times[parent]! === time && sequences[parent]! < sequence)) break
      this.#move(parent, i)
      i = parent
    }
    times[i] = time
    sequences[i] = sequence
    this.#sites[i] = site
    this.#subjects[i] = subject
  }

  /** Removes the earliest event into `time`, `site` and `subject`; false when empty. */
  pop(): boolean {
    if (this.size === 0) return false
    const times = this.#times
    const sequences = this.#sequences
    this.time = times[0]!
    this.site = this.#sites[0]!
    this.subject = this.#subjects[0]!
    const last = --this.size
    const time = times[last]!
    const sequence = sequences[last]!
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= last) break
      const right = child + 1
      if (
        right < last &&
        (times[right]! < times[child]! ||
          (times[right]! === times[child]! && sequences[right]! < sequences[child]!))
      )
        child = right
      if (time < times[child]! || (time === times[child]! && sequence < sequences[child]!)) break
      this.#move(child, i)
      i = child
    }
    if (i !== last) this.#move(last, i)
    return true
  }

  #move(from: number, to: number): void {
    this.#times[to] = this.#times[from]!
    this.#sequences[to] = this.#sequences[from]!
    this.#sites[to] = this.#sites[from]!
    this.#subjects[to] = this.#subjects[from]!
  }
  #grow(): void {
    const size = this.#times.length * 2
    const copy = <T extends Float64Array | Int32Array>(from: T, to: T): T => {
      to.set(from)
      return to
    }
    this.#times = copy(this.#times, new Float64Array(size))
    this.#sequences = copy(this.#sequences, new Float64Array(size))
    this.#sites = copy(this.#sites, new Int32Array(size))
    this.#subjects = copy(this.#subjects, new Float64Array(size))
  }
}
