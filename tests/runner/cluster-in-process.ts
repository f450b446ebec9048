/** Replicas of a service in one thread, each turned in its turn: as fast as a test likes, and killed at a word. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prepareLog } from '../../runner/stable-folder.js'
import { ServiceReplica, type ServiceReplicaOptions } from '../../runner/index.js'
import { type ServiceModel, Standing } from '../../protocol/index.js'

/** Who is told what the core of a life is given, and what its callers see. */
export type Listeners = (node: number, incarnation: number) => Pick<ServiceReplicaOptions, 'tap' | 'noted'>

let clusters = 0

export class InProcess {
  readonly replicas: (ServiceReplica | undefined)[]
  readonly folder = mkdtempSync(join(tmpdir(), 'aviary-in-process-'))
  readonly #model: ServiceModel
  readonly #name = `in-process-${String(process.pid)}-${String(clusters++)}`
  readonly #incarnations: Uint32Array
  #epochs = 0

  readonly #listeners: Listeners

  constructor(model: ServiceModel, nodes = 3, listeners: Listeners = () => ({})) {
    this.#model = model
    this.#listeners = listeners
    this.#incarnations = new Uint32Array(nodes)
    this.replicas = Array.from({ length: nodes }, () => undefined)
    for (let node = 0; node < nodes; node++) this.#open(node)
    const isMet = (): boolean =>
      this.replicas.every((each, i) =>
        this.replicas.every((_, j) => i === j || each!.replica.native.peerState(j) === 'connected'),
      )
    while (!isMet()) for (const each of this.replicas) each!.replica.native.turn()
    for (const each of this.replicas) each!.start(performance.now())
  }

  #open(node: number): ServiceReplica {
    const incarnation = this.#incarnations[node]!
    const made = new ServiceReplica({
      model: this.#model,
      self: node,
      nodes: this.replicas.length,
      incarnation,
      incarnations: this.#incarnations,
      cluster: this.#name,
      logFolder:
        this.#model.disk === undefined
          ? undefined
          : prepareLog(this.logFolder(node), incarnation, this.#model.cores[node]!.scratchBytes),
      nextEpoch: () => this.#epochs++,
      patienceMillis: 20_000,
      ...this.#listeners(node, incarnation),
    })
    this.replicas[node] = made
    return made
  }

  logFolder(node: number): string {
    return join(this.folder, `member-${String(node)}`)
  }

  /** Turns everybody until something is so. */
  until(isSo: () => boolean, what: string): void {
    for (const end = performance.now() + 30_000; !isSo();) {
      for (const each of this.replicas) each?.turn(performance.now())
      if (performance.now() > end) throw new Error(`not within 30 s: ${what}`)
    }
  }

  /** Its process is gone, with its memory. */
  kill(node: number): void {
    this.replicas[node]!.close()
    this.replicas[node] = undefined
  }

  restart(node: number): void {
    this.#incarnations[node]!++
    this.#open(node).start(performance.now())
  }

  leader(): number {
    return this.replicas.findIndex((each) => each?.standing[Standing.leads] === 1)
  }

  /** Has an operation done through a node; its reply. */
  ask(node: number, operation: Uint8Array): Uint8Array {
    let reply: Uint8Array | undefined
    this.replicas[node]!.propose(operation, operation.length, (_outcome, bytes, length) => {
      reply = bytes.slice(0, length)
    })
    this.until(() => reply !== undefined, 'an answer')
    return reply!
  }

  close(): void {
    for (const each of this.replicas) each?.close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}
