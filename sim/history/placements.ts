/**
 * Placements: the orders that configurations stand for. Each is a number of its last placement, and shares the ones
 * before with others; 0 is the order without operations.
 *
 * Contract. Operations of unknown outcome are numbered after the known ones; ~operation says that an operation is
 * covered here (see moves.ts), and is only meant where it has no other place.
 */
export class Placements {
  #operation = new Int32Array(1 << 12)
  #before = new Int32Array(1 << 12)
  #at = new Int32Array(1 << 12)
  #size = 1

  get size(): number {
    return this.#size
  }

  /** Forgets the placements from number `size` on. */
  truncate(size: number): void {
    this.#size = size
  }

  /** The order `path`, and then the operation, placed at event `at` of the sweep. */
  extend(path: number, operation: number, at: number): number {
    if (this.#size === this.#operation.length) {
      this.#operation = grown(this.#operation)
      this.#before = grown(this.#before)
      this.#at = grown(this.#at)
    }
    this.#operation[this.#size] = operation
    this.#before[this.#size] = path
    this.#at[this.#size] = at
    return this.#size++
  }

  /** The operations after `start`, which `path` begins with, last first; and the events at which they were placed. */
  since(start: number, path: number): { readonly operations: number[]; readonly events: number[] } {
    const operations: number[] = []
    const events: number[] = []
    for (let end = path; end !== start; end = this.#before[end]!) {
      operations.push(this.#operation[end]!)
      events.push(this.#at[end]!)
    }
    return { operations, events }
  }
}

function grown(array: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(2 * array.length)
  larger.set(array)
  return larger
}
