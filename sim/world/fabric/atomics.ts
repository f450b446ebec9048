/**
 * Atomics at the responder's NIC.
 *
 * Rules (see `rule-book.ts`): nic-atomics.
 */
import { byteOffsetOf, regionOf } from '../../../protocol/index.js'
import type { Fabric } from './fabric.js'
import { type Flow, Operation, Phase, loadedAt, operationAt, phaseAt, targetAt } from './flow.js'

export class Atomics {
  readonly #fabric: Fabric
  readonly #words: Uint32Array

  constructor(fabric: Fabric) {
    this.#fabric = fabric
    this.#words = fabric.world.memory.words
  }

  /** Reads, and in a second step writes; the NIC serves nobody else in between, but the CPU goes on. Says whether it is done. */
  step(flow: Flow, request: number): boolean {
    const words = this.#words
    const payload = request + flow.payloadAt
    const target = words[request + targetAt]!
    const region = this.#fabric.world.nodes[flow.to]!.parts.regions[regionOf(target)]!
    const at = (region.offset + byteOffsetOf(target)) / 4
    const nic = this.#fabric.registrations[flow.to]!
    if (words[request + phaseAt] !== Phase.loaded) {
      words[payload + loadedAt] = words[at]!
      words[payload + loadedAt + 1] = words[at + 1]!
      if (this.#fabric.rules.nicAtomics) {
        words[request + phaseAt] = Phase.loaded
        nic.lock = flow.index + 1
        return false
      }
    } else nic.lock = 0
    const low = words[payload + loadedAt]!
    const high = words[payload + loadedAt + 1]!
    if (words[request + operationAt] === Operation.compareSwap) {
      if (low === words[payload] && high === words[payload + 1])
        this.#fabric.storeWord(region.index, at, words[payload + 2]!, words[payload + 3]!)
    } else {
      const sum = low + words[payload]!
      const carry = sum > 0xffffffff ? 1 : 0
      this.#fabric.storeWord(region.index, at, sum >>> 0, (high + words[payload + 1]! + carry) >>> 0)
    }
    return true
  }
  /** An atomic that nobody waits for is done at once. */
  run(flow: Flow, request: number): void {
    if (!this.step(flow, request)) this.step(flow, request)
  }
}
