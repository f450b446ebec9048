/** Nodes in this process and in others, for tests. */
import { type ChildProcess, fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import {
  type NativeNode,
  type NodeOptions,
  type ShmOptions,
  completionField,
  openNode,
} from '../../native/index.js'

export type Completion = { readonly [name in keyof typeof completionField]: number }

let clusters = 0
/** A name that no other test has, in this process or another. */
export const freshCluster = (): string => `test-${String(process.pid)}-${String(clusters++)}`

/** Opens a node that is closed when the test is over. */
export function open(options: NodeOptions): NativeNode {
  const node = openNode(options)
  onTestFinished(() => {
    try {
      node.close()
    } catch {
      // It has been closed by the test.
    }
  })
  return node
}

/** Has a turn; returns what has ended. */
export function turn(node: NativeNode): Completion[] {
  const count = node.turn()
  const fields = Object.keys(completionField) as (keyof typeof completionField)[]
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(fields.map((name) => [name, node.completion(i, name)])),
  ) as Completion[]
}

const longestMs = 20_000

/** Lets nodes have turns until something is so; completions are handed to `see`. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  nodes: readonly NativeNode[],
  see: (node: NativeNode, completion: Completion) => void = () => undefined,
): Promise<void> {
  const begun = performance.now()
  while (!(await condition())) {
    for (const node of nodes) for (const completion of turn(node)) see(node, completion)
    if (performance.now() > begun + longestMs) throw new Error(`in vain: ${what}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Turns until so many completions have come. */
export async function completionsOf(node: NativeNode, count: number): Promise<Completion[]> {
  const seen: Completion[] = []
  await until(
    `${String(count)} completions`,
    () => seen.length >= count,
    [node],
    (_, completion) => seen.push(completion),
  )
  return seen
}

/** Nodes of one cluster in this process, which have met. */
export async function openCluster(
  count: number,
  options: Partial<ShmOptions> & { readonly regionBytes: readonly number[] },
  batch: NonNullable<NodeOptions['batch']> = {},
): Promise<NativeNode[]> {
  const cluster = freshCluster()
  const nodes = Array.from({ length: count }, (_, self) =>
    open({ shm: { cluster, self, nodes: count, ...options }, batch }),
  )
  await met(nodes, count)
  return nodes
}

/** Until each node of this process has met all others of a cluster that begins with them. */
export function met(nodes: readonly NativeNode[], count: number): Promise<void> {
  const hasMetAll = (node: NativeNode, self: number): boolean =>
    Array.from({ length: count }, (_, peer) => peer).every(
      (peer) => peer === self || node.peerState(peer) === 'connected',
    )
  return until('all nodes meet', () => nodes.every(hasMetAll), nodes)
}

/** A node in a process of its own. */
export class Peer {
  readonly process: ChildProcess
  readonly #answers = new Map<number, { resolve(result: unknown): void; reject(error: Error): void }>()
  #asked = 0

  private constructor(options: NodeOptions) {
    const script = fileURLToPath(new URL('peer.mjs', import.meta.url))
    this.process = fork(script, [JSON.stringify(options)], { stdio: 'inherit', execArgv: [] })
    this.process.on('message', ({ id, result, error }: { id: number; result?: unknown; error?: string }) => {
      const answer = this.#answers.get(id)
      this.#answers.delete(id)
      if (error === undefined) answer?.resolve(result)
      else answer?.reject(new Error(error))
    })
    this.process.on('exit', (code, signal) => {
      for (const { reject } of this.#answers.values())
        reject(new Error(`the peer has ended: ${String(signal ?? code)}`))
    })
  }

  static async start(options: NodeOptions): Promise<Peer> {
    const peer = new Peer(options)
    onTestFinished(() => peer.kill())
    await peer.#answer(0)
    return peer
  }

  #answer(id: number): Promise<unknown> {
    return new Promise((resolve, reject) => this.#answers.set(id, { resolve, reject }))
  }
  ask<T>(name: string, ...args: readonly unknown[]): Promise<T> {
    const id = ++this.#asked
    this.process.send({ id, name, args })
    return this.#answer(id) as Promise<T>
  }
  call(method: keyof NativeNode, ...args: readonly unknown[]): Promise<unknown> {
    return this.ask('call', method, ...args)
  }

  /** Whether the kernel says so: `T` stopped, `Z` dead. */
  #isInState(letter: string): boolean {
    try {
      const stat = readFileSync(`/proc/${String(this.process.pid)}/stat`, 'utf8')
      return stat.slice(stat.lastIndexOf(')') + 2).startsWith(letter)
    } catch {
      return letter === 'Z'
    }
  }
  /** Stops it where it is, and returns when it has stopped. */
  async stop(): Promise<void> {
    this.process.kill('SIGSTOP')
    while (!this.#isInState('T')) await new Promise((resolve) => setImmediate(resolve))
  }
  resume(): void {
    this.process.kill('SIGCONT')
  }
  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    const ended = new Promise((resolve) => this.process.once('exit', resolve))
    this.process.kill('SIGKILL')
    await ended
  }
}
