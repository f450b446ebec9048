/** Proposals that are ordered as one operation, and who is told how each of them ended. */
import type { OperationGroup } from '../protocol/index.js'
import type { Ended } from './proposer.js'

export class ProposalGroup {
  readonly operation: OperationGroup
  /** When the first of them was proposed: nobody waits longer than was promised. */
  since = 0
  /** What each asked for, where somebody wants to be told. */
  asked: Uint8Array[] | undefined
  readonly #ended: (Ended | undefined)[] = []

  constructor(operation: OperationGroup) {
    this.operation = operation
  }

  get members(): number {
    return this.operation.members
  }

  /** As {@link OperationGroup.add}. */
  add(operation: Uint8Array, length: number, ended: Ended): boolean {
    if (!this.operation.add(operation, length)) return false
    this.#ended[this.operation.members - 1] = ended
    return true
  }

  /** Whom to tell of the end of a member; once. */
  takeEnded(member: number): Ended {
    const ended = this.#ended[member]!
    this.#ended[member] = undefined
    return ended
  }

  clear(): void {
    this.operation.clear()
    this.asked = undefined
  }
}

/** The group of a service that knows none: one operation. */
export class LoneOperation implements OperationGroup {
  readonly bytes: Uint8Array
  readonly isOpen = false
  length = 0
  members = 0

  constructor(operationBytes: number) {
    this.bytes = new Uint8Array(operationBytes)
  }

  add(operation: Uint8Array, length: number): boolean {
    if (this.members === 1) return false
    this.bytes.set(operation.subarray(0, length))
    this.length = length
    this.members = 1
    return true
  }

  takeReply(): number {
    throw new Error('the reply to one operation is nobody else’s')
  }

  clear(): void {
    this.length = 0
    this.members = 0
  }
}
