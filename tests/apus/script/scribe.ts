/** Writes down in short lines what happens on a stage: what replicas note, who changes role, what clients see. */
import { isFaultKind } from '../../../sim/world/site.js'
import type { Listener } from '../../../sim/world/listener.js'
import { NodeStatus } from '../../../sim/world/node-parts.js'
import { type Action, plain, type Stage } from './stage.js'

/** A note of a replica, kept for conditions. */
export interface Note {
  readonly node: number
  readonly name: string
  readonly value: number
}

export class Scribe {
  /** All notes of the story so far. */
  readonly notes: Note[] = []
  /** The last reply of each client. */
  readonly replies = new Map<number, string>()
  readonly #stage: Stage
  #lines: { text: string; times: number }[] = []
  /** Of the action under way. */
  #remarks: string[] = []
  #isOver = false
  readonly #roles: string[] = []

  constructor(stage: Stage, describeNote: (note: Note) => string) {
    this.#stage = stage
    const { world } = stage
    const judge: Listener = stage.run.judge
    world.listener = {
      note: (node, kind, value) => {
        const note = { node, name: world.nodes[node]!.definition.notes[kind] ?? '?', value }
        this.notes.push(note)
        this.#remarks.push(describeNote(note))
      },
      call: (client, position) => judge.call?.(client, position),
      return: (client, position, memory, at, length) => {
        this.#isOver = true
        this.replies.set(client, world.clients!.workload.describeReply(memory, at, length))
        judge.return?.(client, position, memory, at, length)
      },
      abandon: (client, position) => {
        this.#isOver = true
        judge.abandon?.(client, position)
      },
    }
    for (const node of world.nodes) this.#roles.push(this.#roleOf(node.index))
    stage.onAction = (action) => {
      this.#write(action)
    }
  }

  /** Hands over what was written since the last call. What happened again stands where it happened first, counted. */
  lines(): readonly string[] {
    const lines = this.#lines.map(({ text, times }) => (times === 1 ? text : `${text} (${times} times)`))
    this.#lines = []
    return lines
  }

  #roleOf(node: number): string {
    const { world } = this.#stage
    if (world.nodes[node]!.status() !== NodeStatus.up) return ''
    const { role, state } = world.nodes[node]!.definition
    if (role === undefined) return ''
    const at = world.nodes[node]!.parts.state.offset + state.offsetOf(...role.field.split('.'))
    return role.machine.stateNames[world.memory.bytes[at]!] ?? '?'
  }

  #write(action: Action): void {
    const remarks = this.#remarks
    this.#remarks = []
    for (const { index } of this.#stage.world.nodes) {
      const role = this.#roleOf(index)
      // A process that stops or goes on keeps its role.
      if (role !== '' && role !== this.#roles[index]) {
        remarks.push(`now ${role}`)
        this.#roles[index] = role
      }
    }
    const head = this.#head(action, remarks.length > 0)
    this.#isOver = false
    if (head === undefined) return
    this.#add(remarks.length === 0 ? head : `${head}: ${remarks.join(', ')}`)
  }

  /** Lines that differ in the node alone become one. */
  #add(line: string): void {
    const known = this.#lines.find(({ text }) => text === line)
    if (known !== undefined) {
      known.times++
      return
    }
    const last = this.#lines.at(-1)
    const own = /^(n\d): (.*)$/.exec(line)
    const before = last?.times === 1 ? /^((?:n\d )*n\d): (.*)$/.exec(last.text) : null
    if (last !== undefined && own !== null && before !== null && own[2] === before[2])
      last.text = `${before[1]!} ${own[1]!}: ${own[2]!}`
    else this.#lines.push({ text: line, times: 1 })
  }

  /** What an action is written down as, or undefined when it is not worth a line. */
  #head({ site, words, isCalled }: Action, isNoted: boolean): string | undefined {
    const { kind, node, from } = site
    const [, place = ''] = plain(site.name).split(' ')
    const client = place.replace(/->.*/, '')
    switch (kind) {
      case 'deliver':
        return `n${node} <- n${from} ${words}`
      case 'request':
        return isNoted || isCalled ? `n${node} <- ${client} ${words}` : undefined
      case 'reply':
        return `${client} <- ${words}${this.#isOver ? '' : ' (stale)'}`
      case 'invoke':
        return `${client} calls ${words}`
      case 'retry':
        return `${client} asks again: ${words}`
      case 'timer':
        return isNoted || isCalled ? `n${node} ${site.name.split(' ').at(-1)!} timer` : undefined
      case 'complete': {
        const isFailed = !words.endsWith(': ok')
        return isFailed || isCalled ? `n${node} is told of its ${words}` : isNoted ? `n${node}` : undefined
      }
      case 'expire':
        return `n${node} gives up waiting for n${from}: ${words.replace(': no answer', '')}`
      case 'land':
        return `${words} from n${from}${words.endsWith('is lost') ? '' : ' lands'}`
      case 'drop':
        return `lost: ${words}`
      case 'flush':
      case 'fail-flush':
        return isNoted ? `n${node}` : undefined
      default:
        if (isCalled && words !== '') return isFaultKind(kind) ? `n${node} (${words})` : words
        return isNoted ? `n${node}` : undefined
    }
  }
}
