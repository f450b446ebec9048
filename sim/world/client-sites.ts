/** The sites of a client and its wire: what it does, and what becomes of its requests and replies. */
import { type Clients, pendingAt, inFlightAt } from './clients.js'
import { Handler } from '../../protocol/index.js'
import { Outcome, type Site } from './site.js'
import type { World } from './world.js'

export function clientSites(world: World, clients: Clients, client: number): void {
  const { workload } = clients
  const model = workload.clients[client]!
  const parts = clients.parts[client]!
  const name = `c${String(client)}`
  const guards = [parts.client.index]
  const attempts = { subject: () => clients.position(client) * 1024 + clients.attempt(client) }
  const operation = (position: number): string => {
    const bytes = model.script[position]
    return bytes === undefined ? 'nothing' : workload.describeRequest(bytes)
  }
  const local = { node: -1, from: -1, guards, reads: [], writes: guards }
  world.addSite({
    ...local,
    ...attempts,
    kind: 'invoke',
    name: `invoke ${name}`,
    armed: () => (!clients.isPending(client) && !clients.isDone(client) ? 1 : 0),
    find(subject) {
      return this.armed() > 0 && this.subject(0) === subject ? 0 : -1
    },
    step() {
      clients.invoke(client)
      return Outcome.moved
    },
    describe: () => operation(clients.position(client)),
  })
  const lastAttempt = (): boolean => clients.attempt(client) + 1 >= model.attempts
  world.addSite({
    ...local,
    ...attempts,
    kind: 'retry',
    gate: parts.client.offset / 4 + pendingAt,
    name: `retry ${name}`,
    armed: () => (clients.isPending(client) && !lastAttempt() ? 1 : 0),
    find(subject) {
      return this.armed() > 0 && this.subject(0) === subject ? 0 : -1
    },
    step() {
      clients.retry(client)
      return Outcome.moved
    },
    describe: () => operation(clients.position(client)),
  })
  world.addSite({
    ...local,
    ...attempts,
    kind: 'abandon',
    gate: parts.client.offset / 4 + pendingAt,
    name: `abandon ${name}`,
    armed: () => (clients.isPending(client) && lastAttempt() ? 1 : 0),
    find(subject) {
      return this.armed() > 0 && this.subject(0) === subject ? 0 : -1
    },
    step() {
      clients.abandon(client)
      return Outcome.moved
    },
    describe: () => `${operation(clients.position(client))}: outcome unknown`,
  })
  replySites(world, clients, client, name)
  const targets = new Set<number>()
  for (let attempt = 0; attempt < model.attempts; attempt++) targets.add(model.target(attempt))
  for (const target of targets) requestSites(world, clients, client, target, name)
}

function replySites(world: World, clients: Clients, client: number, name: string): void {
  const { workload } = clients
  const parts = clients.parts[client]!
  const shared = {
    node: -1,
    from: -1,
    guards: [parts.replies.index],
    gate: parts.replies.offset / 4,
    armed: () => clients.replyCount(client),
    subject: (choice: number) => clients.replyOrdinal(client, choice),
    find(this: Site, subject: number): number {
      const count = this.armed()
      for (let i = 0; i < count; i++) if (clients.replyOrdinal(client, i) === subject) return i
      return -1
    },
    describe(choice: number): string {
      const at = clients.replySlot(client, choice)
      const { view, words } = world.memory
      return workload.describeReply(view, (at + 2) * 4, words[at + 1]!)
    },
  }
  world.addSite({
    ...shared,
    kind: 'reply',
    name: `reply ${name}`,
    reads: [parts.client.index],
    writes: [parts.client.index, parts.replies.index],
    step(choice) {
      clients.receive(client, choice)
      return Outcome.moved
    },
  })
  world.addFault('drop', -1, {
    ...shared,
    kind: 'drop',
    name: `drop reply ${name}`,
    reads: [],
    writes: [parts.replies.index],
    step(choice) {
      clients.takeReply(client, choice)
      return Outcome.moved
    },
  })
}

function requestSites(world: World, clients: Clients, client: number, target: number, name: string): void {
  const parts = clients.parts[client]!
  const node = world.nodes[target]!
  const path = `${name}→${world.nodeName(target)}`
  const script = clients.workload.clients[client]!.script
  const input = node.inputBytes
  const handle = (sequence: number): Outcome => {
    const bytes = script[sequence - 1]!
    for (let i = 0; i < bytes.length; i++) input[i] = bytes[i]!
    return node.run(Handler.request, client, sequence, bytes.length)
  }
  const shared = {
    gate: parts.client.offset / 4 + inFlightAt,
    node: target,
    from: -1,
    subject: (choice: number) => clients.requestOrdinal(client, clients.requestAt(client, target, choice)),
    find(this: Site, subject: number): number {
      const count = this.armed()
      for (let n = 0; n < count; n++)
        if (clients.requestOrdinal(client, clients.requestAt(client, target, n)) === subject) return n
      return -1
    },
    describe(choice: number): string {
      const sequence = clients.requestSequence(client, clients.requestAt(client, target, choice))
      return clients.workload.describeRequest(script[sequence - 1]!)
    },
  }
  const guards = [parts.client.index, ...node.readyParts]
  const armed = (): number => (node.ready() ? clients.requestsTo(client, target) : 0)
  world.addSite({
    ...shared,
    kind: 'request',
    name: `request ${path}`,
    guards,
    reads: node.reads,
    writes: [parts.client.index, ...node.writes],
    armed,
    step(choice) {
      const i = clients.requestAt(client, target, choice)
      const sequence = clients.requestSequence(client, i)
      clients.takeRequest(client, i)
      handle(sequence)
      return Outcome.moved
    },
  })
  world.addFault('duplicate', target, {
    ...shared,
    kind: 'duplicate',
    name: `duplicate ${path}`,
    guards,
    reads: node.reads,
    writes: node.writes,
    armed,
    step: (choice) => handle(clients.requestSequence(client, clients.requestAt(client, target, choice))),
  })
  world.addFault('drop', target, {
    ...shared,
    kind: 'drop',
    name: `drop request ${path}`,
    guards: [parts.client.index],
    reads: [],
    writes: [parts.client.index],
    armed: () => clients.requestsTo(client, target),
    step(choice) {
      clients.takeRequest(client, clients.requestAt(client, target, choice))
      return Outcome.moved
    },
  })
}
