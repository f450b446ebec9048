/** Commands that are answered without the store. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { ReplyWriter } from './reply-writer.js'
import { REDIS_VERSION, type Session, type Shared } from './session.js'

/** Answers a request of these words; the first is the name of the command. */
type Run = (words: readonly string[], session: Session, shared: Shared, writer: ReplyWriter) => void

export interface OwnCommand {
  readonly name: string
  /** Words of the request; at least as many where negative. */
  readonly arity: number
  readonly run: Run
  /** Whether it may come before AUTH. */
  readonly isOpen?: boolean
}

const syntaxError = 'ERR syntax error'
const wrongPassword = 'WRONGPASS invalid username-password pair or user is disabled.'

const digest = (text: string): Buffer => createHash('sha256').update(text, 'latin1').digest()

/** Whether a client may be let in; passwords are compared in a time that says nothing about them. */
function isLetIn(shared: Shared, user: string, password: string): boolean {
  if (user !== 'default') return false
  return shared.password === undefined || timingSafeEqual(digest(shared.password), digest(password))
}

const ping: Run = (words, _session, _shared, writer) => {
  if (words.length > 2) writer.error("ERR wrong number of arguments for 'ping' command")
  else if (words.length === 2) writer.bulk(words[1]!)
  else writer.raw('+PONG\r\n')
}

const auth: Run = (words, session, shared, writer) => {
  if (words.length > 3) {
    writer.error(syntaxError)
    return
  }
  if (words.length === 2 && shared.password === undefined) {
    writer.error(
      'ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?',
    )
    return
  }
  const isRight = isLetIn(shared, words.length === 3 ? words[1]! : 'default', words.at(-1)!)
  if (isRight) session.isAuthenticated = true
  if (isRight) writer.ok()
  else writer.error(wrongPassword)
}

const isName = (name: string): boolean => /^[!-~]*$/.test(name)
const nameProblem = 'ERR Client names cannot contain spaces, newlines or special characters.'

const hello: Run = (words, session, shared, writer) => {
  let { version, name, isAuthenticated } = session
  if (words.length > 1) {
    if (!/^-?\d+$/.test(words[1]!)) {
      writer.error('ERR Protocol version is not an integer or out of range')
      return
    }
    if (words[1] !== '2' && words[1] !== '3') {
      writer.error('NOPROTO unsupported protocol version')
      return
    }
    version = words[1] === '2' ? 2 : 3
  }
  for (let k = 2; k < words.length; k++) {
    const option = words[k]!.toLowerCase()
    if (option === 'auth' && k + 2 < words.length) {
      if (!isLetIn(shared, words[k + 1]!, words[k + 2]!)) {
        writer.error(wrongPassword)
        return
      }
      isAuthenticated = true
      k += 2
    } else if (option === 'setname' && k + 1 < words.length) {
      name = words[++k]!
      if (!isName(name)) {
        writer.error(nameProblem)
        return
      }
    } else {
      writer.error(`ERR Syntax error in HELLO option '${words[k]!}'`)
      return
    }
  }
  if (!isAuthenticated) {
    writer.error(
      'NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time',
    )
    return
  }
  Object.assign(session, { version, name, isAuthenticated })
  writer.map(7, version)
  const texts = { server: 'redis', version: REDIS_VERSION }
  for (const [key, value] of Object.entries(texts)) {
    writer.bulk(key)
    writer.bulk(value)
  }
  for (const [key, value] of Object.entries({ proto: version, id: session.id })) {
    writer.bulk(key)
    writer.integer(value)
  }
  for (const text of ['mode', 'standalone', 'role', 'master', 'modules']) writer.bulk(text)
  writer.array(0)
}

/** Runs a subcommand, or says that there is none. `arity` counts both words; at least as many where negative. */
const container =
  (name: string, subcommands: Readonly<Record<string, { readonly arity: number; readonly run: Run }>>): Run =>
  (words, session, shared, writer) => {
    const word = words[1]!.toLowerCase()
    const subcommand = Object.hasOwn(subcommands, word) ? subcommands[word] : undefined
    if (subcommand === undefined)
      writer.error(`ERR unknown subcommand '${words[1]!.slice(0, 128)}'. Try ${name.toUpperCase()} HELP.`)
    else if (!hasArity(words.length, subcommand.arity))
      writer.error(`ERR wrong number of arguments for '${name}|${word}' command`)
    else subcommand.run(words, session, shared, writer)
  }

export const hasArity = (words: number, arity: number): boolean =>
  arity < 0 ? words >= -arity : words === arity

const okOnOff: Run = (words, _session, _shared, writer) => {
  if (/^(on|off)$/i.test(words[2]!)) writer.ok()
  else writer.error(syntaxError)
}

const clientInfo = ({ id, address, name, version }: Session): string =>
  `id=${id} addr=${address} name=${name} db=0 resp=${version}`

const client = container('client', {
  id: { arity: 2, run: (_words, session, _shared, writer) => writer.integer(session.id) },
  getname: {
    arity: 2,
    run: (_words, { name, version }, _shared, writer) => {
      if (name === '') writer.nil(version)
      else writer.bulk(name)
    },
  },
  setname: {
    arity: 3,
    run: (words, session, _shared, writer) => {
      if (isName(words[2]!)) {
        session.name = words[2]!
        writer.ok()
      } else writer.error(nameProblem)
    },
  },
  // Accepted and not kept: client libraries send these when they connect.
  setinfo: { arity: 4, run: (_words, _session, _shared, writer) => writer.ok() },
  'no-evict': { arity: 3, run: okOnOff },
  'no-touch': { arity: 3, run: okOnOff },
  info: {
    arity: 2,
    run: (_words, session, _shared, writer) => writer.verbatim(`${clientInfo(session)}\n`, session.version),
  },
})

const emptyArray: Run = (_words, _session, _shared, writer) => writer.array(0)

/** What redis-benchmark and client libraries ask for; everything else is unknown, as an empty map. */
const configuration: Readonly<Record<string, string>> = {
  save: '',
  appendonly: 'yes',
  databases: '1',
  'maxmemory-policy': 'noeviction',
}
const configGet: Run = (words, { version }, _shared, writer) => {
  const asked = new Set(words.slice(2).map((word) => word.toLowerCase()))
  const known = Object.entries(configuration).filter(([key]) => asked.has(key) || asked.has('*'))
  writer.map(known.length, version)
  for (const entry of known) for (const text of entry) writer.bulk(text)
}

const select: Run = (words, _session, _shared, writer) => {
  if (!/^-?\d{1,18}$/.test(words[1]!)) writer.error('ERR value is not an integer or out of range')
  else if (Number(words[1]) !== 0) writer.error('ERR DB index is out of range')
  else writer.ok()
}

const time: Run = (_words, _session, _shared, writer) => {
  const millis = Date.now()
  writer.array(2)
  writer.bulk(String(Math.floor(millis / 1000)))
  writer.bulk(String((millis % 1000) * 1000))
}

/** `commands` is how many there are in all. */
export const ownCommands = (commands: () => number): readonly OwnCommand[] => [
  { name: 'ping', arity: -1, run: ping },
  { name: 'echo', arity: 2, run: (words, _session, _shared, writer) => writer.bulk(words[1]!) },
  { name: 'select', arity: 2, run: select },
  { name: 'time', arity: 1, run: time },
  { name: 'auth', arity: -2, run: auth, isOpen: true },
  { name: 'hello', arity: -1, run: hello, isOpen: true },
  { name: 'client', arity: -2, run: client },
  { name: 'config', arity: -2, run: container('config', { get: { arity: -3, run: configGet } }) },
  {
    name: 'command',
    arity: -1,
    run: (words, session, shared, writer) => {
      if (words.length === 1) writer.array(0)
      else subcommandsOfCommand(commands)(words, session, shared, writer)
    },
  },
]

/** Clients get along without a description of each command; they are not described here. */
const subcommandsOfCommand = (commands: () => number): Run =>
  container('command', {
    count: { arity: 2, run: (_words, _session, _shared, writer) => writer.integer(commands()) },
    docs: { arity: -2, run: (_words, { version }, _shared, writer) => writer.map(0, version) },
    info: { arity: -2, run: emptyArray },
    list: { arity: -2, run: emptyArray },
  })
