/** Replies that wait until their handler has returned. Grows to what is needed, and then allocates nothing. */
export class ReplyList {
  count = 0
  clients = new Uint32Array(64)
  sequences = new Float64Array(64)
  lengths = new Uint32Array(64)
  #offsets = new Uint32Array(64)
  #bytes = new Uint8Array(4096)
  #used = 0
  /** The reply that was taken last, at its front. */
  #front = new Uint8Array(256)

  add(client: number, sequence: number, from: Uint8Array, at: number, length: number): void {
    if (this.count === this.clients.length) this.#growRows()
    while (this.#used + length > this.#bytes.length) {
      const wider = new Uint8Array(2 * this.#bytes.length)
      wider.set(this.#bytes)
      this.#bytes = wider
    }
    const i = this.count++
    this.clients[i] = client
    this.sequences[i] = sequence
    this.lengths[i] = length
    this.#offsets[i] = this.#used
    copy(from, at, this.#bytes, this.#used, length)
    this.#used += length
  }

  /** The bytes of a reply, at the front of a buffer that is good until the next is taken. */
  take(i: number): Uint8Array {
    const length = this.lengths[i]!
    if (length > this.#front.length) this.#front = new Uint8Array(2 * length)
    copy(this.#bytes, this.#offsets[i]!, this.#front, 0, length)
    return this.#front
  }

  clear(): void {
    this.count = 0
    this.#used = 0
  }

  #growRows(): void {
    const wider = 2 * this.clients.length
    const grow = <A extends Uint32Array | Float64Array>(made: A, from: A): A => {
      made.set(from)
      return made
    }
    this.clients = grow(new Uint32Array(wider), this.clients)
    this.sequences = grow(new Float64Array(wider), this.sequences)
    this.lengths = grow(new Uint32Array(wider), this.lengths)
    this.#offsets = grow(new Uint32Array(wider), this.#offsets)
  }
}

/** Short pieces are copied faster in a loop than by a call. */
function copy(from: Uint8Array, at: number, to: Uint8Array, target: number, length: number): void {
  if (length <= 64) for (let i = 0; i < length; i++) to[target + i] = from[at + i]!
  else to.set(from.subarray(at, at + length), target)
}
