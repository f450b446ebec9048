/**
 * A system as it is run for callers from outside, at sizes for real work: the same cores, without a script of clients.
 */
import type { CoreDefinition, NodeId } from './contract.js'
import type { ClockModel, DiskModel, MessageNetwork, Parameter, RdmaFabric } from './system.js'

/** What a host needs of a model to run its cores. */
export interface Hardware {
  readonly cores: readonly CoreDefinition[]
  readonly network?: MessageNetwork | undefined
  readonly fabric?: RdmaFabric | undefined
  readonly disk?: DiskModel | undefined
  readonly clock?: ClockModel | undefined
}

/** What a replica says of itself, as words; see {@link ServiceModel.look}. */
export const Standing = {
  /** 1 if it takes requests. */
  leads: 0,
  /** The node that it takes for the leader. */
  leader: 1,
  view: 2,
  /** Index of the last entry that it knows to be committed. */
  commit: 3,
  /** Index of the last entry applied. */
  applied: 4,
  /** Index of the last entry of its log. */
  end: 5,
  /** 1 if it may vote: it remembers what it has promised. */
  isMember: 6,
} as const
export const standingWords = 7

/** What a service is set to. */
export interface ServiceChoice {
  readonly nodes: number
  readonly parameters: Readonly<Record<string, number>>
}

/**
 * Operations of several callers that are ordered as one. What comes of them is what would come of them one by one, in the
 * order in which they were added, with nothing between them: the state that a read sees, and each reply. Allocates nothing
 * once it has grown.
 */
export interface OperationGroup {
  /** The operation that they make, `length` bytes at the front; good until the next `add`. */
  readonly bytes: Uint8Array
  readonly length: number
  /** How many operations it is made of. */
  readonly members: number
  /** Whether there may be more: not where what is there has to go alone. */
  readonly isOpen: boolean
  /**
   * Adds the `length` bytes at the front of `operation`. The first is taken whatever it is; one that may not go together
   * with what is there, or has no room, or whose reply might have none, is not: then nothing has changed.
   */
  add(operation: Uint8Array, length: number): boolean
  /**
   * Writes the reply to the next member, the first at first, to the front of `into`, and returns its length.
   *
   * @param reply to the whole, at its front; the same at each call
   */
  takeReply(reply: Uint8Array, into: Uint8Array): number
  /** Begins again, without any. */
  clear(): void
}

export interface ServiceModel extends Hardware {
  /** Callers' requests go under client numbers below this, one at a time each, numbered upwards. */
  readonly sessions: number
  /** Most bytes of a request, and of a reply; multiples of 8. */
  readonly operationBytes: number
  readonly replyBytes: number
  /** In words, what an acknowledgement promises. */
  readonly durability: string
  /** Whether a reply refuses: whether the request has taken effect is unknown for ever. */
  isRefusal(length: number): boolean
  /** Writes what a replica's private memory says into `standingWords` words. Allocates nothing. */
  look(node: NodeId, state: DataView): (into: Float64Array) => void
  /** The bytes of a replica's private memory that are alike wherever the same requests were applied; lent. */
  replicated(state: DataView): Uint8Array
  /** An empty group; where it is left out every operation is ordered by itself. */
  readonly newGroup?: (() => OperationGroup) | undefined
  /** How what callers saw is judged; a service without it is not. */
  readonly history?: ServiceHistory | undefined
}

/** What a judge must know of a service: what its replicas applied, and what comes of that one at a time. */
export interface ServiceHistory {
  /** The note of the cores that says that the entry at an index, its value, is being applied. */
  readonly appliedNote: number
  /** The request of that entry, from the private memory of whoever notes it down; undefined: it is none. A copy. */
  requestAt(state: DataView, index: number): AppliedRequest | undefined
  /** What operations of several callers become where they are ordered as one; see {@link OperationGroup}. */
  joined?: ((operations: readonly Uint8Array[]) => Uint8Array) | undefined
  /** What is replicated, as it begins: takes one operation after the other, and returns a copy of each reply. */
  program(): (operation: Uint8Array) => Uint8Array
  /** Whether an operation changes nothing, whatever was applied before: such a one may be answered without an entry. */
  isRead(operation: Uint8Array): boolean
  /** For people: an operation with its reply, which may be unknown. */
  describe(operation: Uint8Array, reply: Uint8Array | undefined): string
}

export interface AppliedRequest {
  readonly client: number
  readonly sequence: number
  readonly operation: Uint8Array
}

export interface Service {
  readonly parameters: Readonly<Record<string, Parameter>>
  build(choice: ServiceChoice): ServiceModel
}
