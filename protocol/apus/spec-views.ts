/** How the spec looks at replicas. It is asked after every step, so it allocates nothing while all is well. */
import type { NodeId } from '../contract.js'
import type { Observer } from '../system.js'
import { type ApusLayouts, entryKind, type ReplicaView } from './layout.js'
import { replicaRoles } from './roles.js'

const { states: role } = replicaRoles

/** Whether a node has its memory: a paused process does nothing, but will go on with what it has. */
export function isAlive(observer: Observer, node: NodeId): boolean {
  return observer.isUp(node) || observer.isPaused(node)
}

/** Whether a replica remembers what it has promised. */
export function isMember(state: ReplicaView): boolean {
  const { role: its } = state
  return its !== role.recovering && its !== role.refusing
}

/** Whether a node's process is alive and a member. */
export function isMemberAt(layouts: ApusLayouts, observer: Observer, node: NodeId): boolean {
  return isAlive(observer, node) && isMember(observer.state(node, layouts.state))
}

export function isLeaderAt(layouts: ApusLayouts, observer: Observer, node: NodeId): boolean {
  return observer.state(node, layouts.state).role === role.leader && isAlive(observer, node)
}

/** The nodes that are members, as bits. */
export function membersOf(layouts: ApusLayouts, observer: Observer): number {
  let bits = 0
  for (let node = 0; node < observer.nodes; node++) if (isMemberAt(layouts, observer, node)) bits |= 1 << node
  return bits
}

export function isIn(bits: number, node: NodeId): boolean {
  return ((bits >>> node) & 1) === 1
}

/** Whether what two nodes have between them may have changed. */
export function hasEitherChanged(observer: Observer, a: NodeId, b: NodeId): boolean {
  return observer.hasChanged(a) || observer.hasChanged(b)
}

export function isRetained(state: ReplicaView, index: number): boolean {
  return index >= state.head && index <= state.end && index > 0
}

/** Whether two logs hold the same at an index that both retain: the same request, or a NOP, whoever has put it there. */
export function sameEntry(layouts: ApusLayouts, a: ReplicaView, b: ReplicaView, index: number): boolean {
  const one = a.log.at(index % layouts.retained)
  const other = b.log.at(index % layouts.retained)
  const { kind } = one
  if (kind !== other.kind) return false
  return kind !== entryKind.code.request || (one.client === other.client && one.sequence === other.sequence)
}

/** What is at an index, in words. */
export function entryText(layouts: ApusLayouts, state: ReplicaView, index: number): string {
  const { kind, client, sequence } = state.log.at(index % layouts.retained)
  return kind === entryKind.code.request
    ? `request ${sequence} of client ${client}`
    : `a ${entryKind.nameOf(kind)}`
}
