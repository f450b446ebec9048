/** Messages of the control plane: joining a view, probing, recovering. They may be lost, repeated and reordered. */
import type { Host, NodeId } from '../contract.js'
import { clear } from '../layout/index.js'
import { type ApusLayouts, messageKind, messageLayoutOf, type ReplicaView } from './layout.js'

export function openPostOffice(host: Host, layouts: ApusLayouts, state: ReplicaView, output: DataView) {
  const { message } = layouts
  const outgoing = message.view(output)
  const { code } = messageKind

  /** Begins a message: everything that all kinds say alike. */
  function begin(kind: number, view: number): typeof outgoing {
    clear(message, outgoing)
    outgoing.kind = kind
    outgoing.view = view
    outgoing.life = state.life
    outgoing.endView = state.endView
    outgoing.end = state.end
    return outgoing
  }
  function send(to: NodeId): void {
    host.send(to, 0, message.sizeBytes)
  }
  function sendToAll(): void {
    for (let peer = 0; peer < host.nodes; peer++) if (peer !== host.self) send(peer)
  }

  return {
    /** A candidate's request for a vote, or a leader's to be followed. */
    join(to: NodeId, attempt: number, leads: boolean): void {
      const join = begin(code.join, state.view)
      join.attempt = attempt
      join.leads = leads
      send(to)
    },
    /** The answer: old access is revoked, the own end is connected. It is a vote as well. */
    joined(to: NodeId, cursor: number): void {
      const joined = begin(code.joined, state.view)
      joined.attempt = state.attempt
      joined.cursor = cursor
      for (let node = 0; node < host.nodes; node++) joined.lives.set(node, state.lives.get(node))
      send(to)
    },
    probeAll(view: number): void {
      begin(code.probe, view)
      sendToAll()
    },
    grant(to: NodeId, view: number): void {
      begin(code.grant, view)
      send(to)
    },
    recoverAll(): void {
      begin(code.recover, 0)
      sendToAll()
    },
    state(to: NodeId, life: number, leads: boolean): void {
      const answer = begin(code.state, state.view)
      answer.life = life
      answer.leads = leads
      send(to)
    },
    /** To who asks for a view that is over: which one the sender is in. */
    ahead(to: NodeId): void {
      begin(code.ahead, state.view)
      send(to)
    },
    snapshot(to: NodeId, attempt: number, index: number): void {
      const offer = begin(code.snapshot, state.view)
      offer.attempt = attempt
      offer.cursor = index
      send(to)
    },
  }
}

/** A message in words, for names, tables and pictures. */
export function describeMessage(nodes: number): (memory: DataView, at: number) => string {
  const layout = messageLayoutOf(nodes)
  return (memory, at) => {
    const of = (field: string): number => memory.getUint32(at + layout.offsetOf(field), true)
    const kind = messageKind.nameOf(memory.getUint8(at + layout.offsetOf('kind')))
    const leads = memory.getUint8(at + layout.offsetOf('leads')) === 1
    const view = of('view')
    switch (kind) {
      case 'join':
        return `${leads ? 'follow' : 'vote'} view=${view} attempt=${of('attempt')} end=${of('endView')}.${of('end')}`
      case 'joined':
        return `joined view=${view} attempt=${of('attempt')} up to ${of('cursor')}`
      case 'probe':
        return `probe view=${view} end=${of('endView')}.${of('end')}`
      case 'grant':
        return `grant view=${view}`
      case 'recover':
        return `recover life=${of('life')}`
      case 'state':
        return `state view=${view}${leads ? ' leads' : ''} end=${of('end')} life=${of('life')}`
      case 'ahead':
        return `ahead view=${view}`
      case 'snapshot':
        return `snapshot view=${view} up to ${of('cursor')}`
    }
  }
}
