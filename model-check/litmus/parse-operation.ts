/** One cell of the columns: the operations that a thread does in one handler, mostly one. */
import { Control, Flag, type NodeId } from '../../protocol/index.js'
import type { Action, Condition, Operand, Operation, Posting, Span } from './program.js'
import {
  type NodeScope,
  isRegister,
  nodeName,
  takeAssigned,
  takeFault,
  takeLocal,
  takeNode,
  takeOperands,
  takeRelation,
  takeRemote,
  takeRights,
} from './scope.js'
import { statusNames } from '../../protocol/index.js'
import type { Word, WordReader } from './words.js'

const controls = {
  reset: Control.reset,
  init: Control.init,
  rtr: Control.readyToReceive,
  rts: Control.readyToSend,
  connect: Control.connect,
  drain: Control.drain,
  error: Control.error,
  rights: Control.rights,
} as const
const verbs = [
  'write',
  'read',
  'cas',
  'faa',
  'send',
  'receive',
  'notified',
  'wait',
  'await',
  'protect',
  'bind',
  'unbind',
  'append',
  'flush',
  'truncate',
  'fault',
  ...(Object.keys(controls) as (keyof typeof controls)[]),
] as const
type Verb = (typeof verbs)[number]
/** What a handler can do besides its first operation: nothing here waits for something. */
const joinable: readonly Action['kind'][] = [
  'store',
  'write',
  'read',
  'compareSwap',
  'fetchAdd',
  'send',
  'bind',
  'append',
  'flush',
  'truncate',
]

export class OperationReader {
  readonly #reader: WordReader
  readonly #scopes: readonly NodeScope[]
  readonly #scope: NodeScope
  /** Number of the column: registers belong to the one that loads them. */
  readonly #column: number

  constructor(reader: WordReader, scopes: readonly NodeScope[], scope: NodeScope, column: number) {
    this.#reader = reader
    this.#scopes = scopes
    this.#scope = scope
    this.#column = column
  }

  /** All operations of a cell. `cell` is its text, which begins at column `column`. */
  cell(cell: string, column: number): Operation[] {
    const reader = this.#reader
    const operations: Operation[] = []
    do {
      const first = reader.next
      const label = this.#label()
      const { action, word } = this.#action(label >= 0)
      const condition = reader.accept('if') ? this.#condition() : undefined
      if (!reader.isAtEnd && !reader.is(';'))
        reader.fail(
          'expected the end of the operation',
          'separate what one handler does by ";", and columns by "|"',
        )
      const joined = reader.accept(';')
      if ((joined || operations.length > 0) && !joinable.includes(action.kind))
        reader.failAt(
          word,
          'a handler does several things at once only if none of them waits',
          'give it a row of its own',
        )
      const end = joined ? reader.next.column - 1 : reader.next.column
      const text = cell
        .slice(first.column - column, end - column)
        .replace(/;\s*$/, '')
        .trim()
      operations.push({ action, label, condition, joined, line: first.line, text })
      if (!joined) break
    } while (!reader.isAtEnd)
    return operations
  }

  #label(): number {
    const reader = this.#reader
    if (reader.second.text !== ':' || reader.next.kind !== 'name') return -1
    const label = this.#scope.labels.indexOf(reader.take().text)
    reader.take()
    return label
  }

  #condition(): Condition {
    const reader = this.#reader
    if (isRegister(reader.next)) {
      const register = takeAssigned(reader, this.#scope, this.#column)
      return { subject: { register }, relation: takeRelation(reader), value: reader.number('a number') }
    }
    const label = this.#takeLabel()
    const relation = takeRelation(reader)
    return { subject: { label }, relation, value: statusNames.indexOf(reader.oneOf(statusNames, 'a status')) }
  }

  #takeLabel(): number {
    const { labels, node } = this.#scope
    return labels.indexOf(this.#reader.oneOf(labels, `a label of ${nodeName(node)}`))
  }

  #action(labelled: boolean): { action: Action; word: Word } {
    const reader = this.#reader
    const word = reader.next
    if (isRegister(word)) return { action: this.#intoRegisters(), word }
    if (this.#scope.variables.some(({ name }) => name === word.text) && word.kind === 'name')
      return { action: this.#store(), word }
    const known = [...verbs, ...this.#scope.variables.map(({ name }) => name)]
    if (word.kind !== 'name' || !(verbs as readonly string[]).includes(word.text))
      reader.fail(
        'expected an operation',
        `one of ${verbs.join(', ')}, a register (r0 = x) or a variable of ${nodeName(this.#scope.node)} (x = 1)`,
        known,
      )
    return { action: this.#verb(reader.take().text as Verb, labelled), word }
  }

  #store(): Action {
    const reader = this.#reader
    const word = reader.next
    const to = takeLocal(reader, this.#scope)
    reader.expect('=')
    const values = takeOperands(reader, this.#scope, this.#column)
    this.#sameLength(word, to.words, values.length)
    return { kind: 'store', to, values }
  }

  #sameLength(word: Word, words: number, values: number): void {
    if (words !== values)
      this.#reader.failAt(
        word,
        `${String(words)} words are given ${String(values)} values`,
        'name as many words as there are values, for instance b[0..1] = 1 2',
      )
  }

  /** `r0 r1 = …` */
  #intoRegisters(): Action {
    const reader = this.#reader
    const first = reader.next
    const words: Word[] = []
    while (isRegister(reader.next)) words.push(reader.take())
    reader.expect('=')
    const source = this.#source(words.length, first)
    const into = words.map((word) => this.#scope.assign(reader, word, this.#column))
    if (source.kind === 'recovered' || source.kind === 'clock') return { ...source, into: into[0]! }
    return { ...source, into }
  }

  #source(
    registers: number,
    first: Word,
  ):
    | { kind: 'load'; from: Span }
    | { kind: 'receive'; notice: boolean; from: NodeId }
    | { kind: 'recovered'; record: number | undefined }
    | { kind: 'clock' } {
    const reader = this.#reader
    if (reader.accept('clock')) return { kind: 'clock' }
    if (reader.is('receive') || reader.is('notified')) return this.#receive()
    if (reader.accept('records')) return { kind: 'recovered', record: undefined }
    if (reader.accept('record'))
      return { kind: 'recovered', record: reader.number('the number of a record', 0, 15) }
    const from = takeLocal(reader, this.#scope)
    this.#sameLength(first, registers, from.words)
    return { kind: 'load', from }
  }

  #receive(): { kind: 'receive'; notice: boolean; from: NodeId } {
    const notice = this.#reader.take().text === 'notified'
    return { kind: 'receive', notice, from: this.#takePeer() }
  }

  #takePeer(): NodeId {
    return takeNode(this.#reader, this.#scopes.length)
  }

  #verb(verb: Verb, labelled: boolean): Action {
    const reader = this.#reader
    switch (verb) {
      case 'write':
        return this.#write(labelled)
      case 'read': {
        const word = reader.next
        const { peer, span, isOpen } = takeRemote(reader, this.#scopes)
        const into = this.#into()
        const from = isOpen ? { ...span, words: into.words } : span
        this.#sameLength(word, from.words, into.words)
        return { kind: 'read', from, into, posting: this.#posting(peer, true) }
      }
      case 'cas': {
        const { peer, span } = this.#oneWord()
        const expected = reader.number('the value expected')
        reader.accept('->')
        const desired = reader.number('the value to put')
        const into = this.#into()
        return {
          kind: 'compareSwap',
          at: span,
          expected,
          desired,
          into,
          posting: this.#posting(peer, true),
        }
      }
      case 'faa': {
        const { peer, span } = this.#oneWord()
        const addend = reader.number('the number to add')
        const into = this.#into()
        return { kind: 'fetchAdd', at: span, addend, into, posting: this.#posting(peer, true) }
      }
      case 'send': {
        const peer = this.#takePeer()
        const values = takeOperands(reader, this.#scope, this.#column)
        return { kind: 'send', values, posting: this.#posting(peer, labelled) }
      }
      case 'receive':
      case 'notified':
        return { kind: 'receive', notice: verb === 'notified', from: this.#takePeer(), into: [] }
      case 'wait': {
        const labels = [this.#takeLabel()]
        while (reader.next.kind === 'name' && !reader.is('if')) labels.push(this.#takeLabel())
        return { kind: 'wait', labels }
      }
      case 'await': {
        if (reader.accept('clock')) {
          const relation = takeRelation(reader)
          return { kind: 'awaitClock', relation, value: reader.number('a number of ticks', 0, 64) }
        }
        const from = takeLocal(reader, this.#scope)
        const relation = takeRelation(reader)
        return { kind: 'await', from: { ...from, words: 1 }, relation, value: reader.number('a number') }
      }
      case 'protect': {
        const regions = this.#scope.regions.map(({ name }) => name)
        const region = regions.indexOf(reader.oneOf(regions, `a region of ${nodeName(this.#scope.node)}`))
        return { kind: 'protect', region, rights: takeRights(reader) }
      }
      case 'bind':
      case 'unbind':
        return this.#bind(verb === 'unbind')
      case 'append':
        return { kind: 'append', values: takeOperands(reader, this.#scope, this.#column) }
      case 'flush':
        return { kind: 'flush' }
      case 'truncate':
        return { kind: 'truncate', records: reader.number('how many records', 1, 64) }
      case 'fault':
        return { kind: 'fault', fault: takeFault(reader, this.#scopes.length) }
      case 'reset':
      case 'init':
      case 'rtr':
      case 'rts':
      case 'connect':
      case 'drain':
      case 'error':
      case 'rights':
        return this.#control(verb)
    }
  }

  #into(): Span {
    this.#reader.expect('into', '"into" and a variable of the node itself')
    return takeLocal(this.#reader, this.#scope)
  }

  #oneWord(): ReturnType<typeof takeRemote> {
    const word = this.#reader.next
    const remote = takeRemote(this.#reader, this.#scopes)
    this.#sameLength(word, 1, remote.span.words)
    if (!this.#reader.accept('+')) return remote
    const bytes = this.#reader.number('a number of bytes', 1, 7)
    return { ...remote, span: { ...remote.span, offset: remote.span.offset + bytes } }
  }

  #write(labelled: boolean): Action {
    const reader = this.#reader
    const word = reader.next
    const { peer, span, isOpen } = takeRemote(reader, this.#scopes)
    let payload: readonly Operand[] | Span
    if (reader.accept('from')) payload = takeLocal(reader, this.#scope)
    else {
      reader.expect('=', '"= values" (inline) or "from" a variable of the node itself')
      payload = takeOperands(reader, this.#scope, this.#column)
    }
    const words = 'region' in payload ? payload.words : payload.length
    const to = isOpen ? { ...span, words } : span
    this.#sameLength(word, to.words, words)
    const immediate = reader.accept('imm') ? reader.number('an immediate', 0, 0xffffffff) : undefined
    const posting = this.#posting(peer, labelled)
    const flags = 'region' in payload ? posting.flags : posting.flags | Flag.inline
    return { kind: 'write', to, payload, immediate, posting: { ...posting, flags } }
  }

  /** `qp 1 fence silent key 2`; of a bind only the queue pair. */
  #posting(peer: NodeId, signaled: boolean, isFlagged = true): Posting {
    const reader = this.#reader
    let pair = 0
    let key = 0
    let flags: number = signaled ? Flag.signaled : 0
    for (;;) {
      if (reader.accept('qp')) pair = reader.number('the number of a queue pair', 0, 15)
      else if (isFlagged && reader.accept('fence')) flags |= Flag.fence
      else if (isFlagged && reader.accept('silent')) flags &= ~Flag.signaled
      else if (isFlagged && reader.accept('signaled')) flags |= Flag.signaled
      else if (isFlagged && reader.accept('key')) key = reader.number('a key', 0, 65_535)
      else return { peer, pair, flags, key }
    }
  }

  #bind(isUnbinding: boolean): Action {
    const reader = this.#reader
    const peer = this.#takePeer()
    const { memoryWindows, node } = this.#scope
    const memoryWindow = memoryWindows.indexOf(
      reader.oneOf(memoryWindows, `a memory window of ${nodeName(node)}`),
    )
    if (isUnbinding)
      return {
        kind: 'bind',
        memoryWindow,
        to: { region: 0, offset: 0, words: 0 },
        rights: 0,
        posting: this.#posting(peer, true, false),
      }
    reader.expect('to', '"to" and a variable of the node itself')
    const to = takeLocal(reader, this.#scope)
    reader.expect('rights')
    const rights = takeRights(reader)
    return { kind: 'bind', memoryWindow, to, rights, posting: this.#posting(peer, true, false) }
  }

  #control(verb: keyof typeof controls): Action {
    const reader = this.#reader
    const peer = this.#takePeer()
    let argument = 0
    if (verb === 'rights') argument = takeRights(reader)
    else if ((verb === 'connect' || verb === 'rtr') && reader.next.kind === 'number')
      argument = reader.number('the number of a connection', 0, 1 << 20)
    const pair = reader.accept('qp') ? reader.number('the number of a queue pair', 0, 15) : 0
    return { kind: 'control', peer, pair, change: controls[verb], argument }
  }
}
