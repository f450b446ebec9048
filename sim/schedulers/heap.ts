/** A binary heap of (time, sequence, site, subject) on typed arrays: equal times leave in the order they came. */
export class EventHeap {
  #times = new Float64Array(256)
  #sequences = new Float64Array(256)
  #sites = new Int32Array(256)
  #subjects = new Float64Array(256)
  #next = 0
  /** Events in the arrays, among them a popped one at the root whose place waits for the next push. */
  #count = 0
  #hole = false
  // The last event popped.
  time = 0
  site = 0
  subject = 0

  clear(): void {
    this.#count = 0
    this.#hole = false
    this.#next = 0
  }
  get size(): number {
    return this.#hole ? this.#count - 1 : this.#count
  }

  push(time: number, site: number, subject: number): void {
    const sequence = this.#next++
    if (this.#hole) {
      this.#hole = false
      this.#siftDown(time, sequence, site, subject)
      return
    }
    if (this.#count === this.#times.length) this.#grow()
    const times = this.#times
    const sequences = this.#sequences
    let i = this.#count++
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (times[parent]! < time || (times[parent]! === time && sequences[parent]! < sequence)) break
      this.#move(parent, i)
      i = parent
    }
    this.#put(i, time, sequence, site, subject)
  }

  /** Removes the earliest event into `time`, `site` and `subject`; false when empty. */
  pop(): boolean {
    if (this.#hole) {
      this.#hole = false
      const last = --this.#count
      if (last > 0)
        this.#siftDown(this.#times[last]!, this.#sequences[last]!, this.#sites[last]!, this.#subjects[last]!)
    }
    if (this.#count === 0) return false
    this.time = this.#times[0]!
    this.site = this.#sites[0]!
    this.subject = this.#subjects[0]!
    this.#hole = true
    return true
  }

  /** Puts an event where it belongs, beginning at the free root. */
  #siftDown(time: number, sequence: number, site: number, subject: number): void {
    const times = this.#times
    const sequences = this.#sequences
    const count = this.#count
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= count) break
      const right = child + 1
      if (
        right < count &&
        (times[right]! < times[child]! ||
          (times[right]! === times[child]! && sequences[right]! < sequences[child]!))
      )
        child = right
      if (time < times[child]! || (time === times[child]! && sequence < sequences[child]!)) break
      this.#move(child, i)
      i = child
    }
    this.#put(i, time, sequence, site, subject)
  }

  #put(i: number, time: number, sequence: number, site: number, subject: number): void {
    this.#times[i] = time
    this.#sequences[i] = sequence
    this.#sites[i] = site
    this.#subjects[i] = subject
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
