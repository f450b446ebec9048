/** Commands of Redis that the store executes: how each is written down as a command of the store. */
import {
  Code,
  Flag,
  newInteger,
  parseInteger,
  negateInteger,
  type Integer,
} from '../../protocol/store/index.js'
import type { RequestParser } from './request-parser.js'

/**
 * What a request is to the store. Arguments `first` to `first + count - 1` of the request go with the command, but where
 * `last` is not 0 the last of them is that one.
 */
export interface Plan {
  code: number
  flags: number
  number: Integer
  first: number
  count: number
  last: number
}

export const newPlan = (): Plan => ({ code: 0, flags: 0, number: newInteger(), first: 1, count: 0, last: 0 })

/** Fills the plan in, or gives the error that the request deserves whatever the store holds. */
type Translate = (request: RequestParser, plan: Plan) => string | undefined

export interface StoreCommand {
  readonly name: string
  /** Words of the request; at least as many where negative. */
  readonly arity: number
  readonly translate: Translate
}

const syntaxError = 'ERR syntax error'
const notInteger = 'ERR value is not an integer or out of range'
const expireTimeOf = (name: string): string => `ERR invalid expire time in '${name}' command`
/** Milliseconds from now, so that a sum with the time is exact. */
const MOST_RELATIVE = 2 ** 52
const MOST_ABSOLUTE = Number.MAX_SAFE_INTEGER

/** All arguments, as they are. */
const plain =
  (code: number, flags = 0): Translate =>
  (request, plan) => {
    plan.code = code
    plan.flags = flags
    plan.count = request.count - 1
    return undefined
  }

const pairs =
  (name: string, flags: number): Translate =>
  (request, plan) => {
    if (request.count % 2 === 0) return `ERR wrong number of arguments for '${name}' command`
    return plain(Code.mset, flags)(request, plan)
  }

function readNumber(request: RequestParser, index: number, into: Integer): boolean {
  return parseInteger(request.view, request.starts[index]!, request.lengths[index]!, into)
}

const increment =
  (direction: 1 | -1, hasAmount: boolean): Translate =>
  (request, plan) => {
    plan.code = Code.incrby
    plan.flags = Flag.number
    plan.count = 1
    plan.number.isWide = false
    plan.number.value = direction
    if (!hasAmount) return undefined
    if (!readNumber(request, 2, plan.number)) return notInteger
    return direction === 1 || negateInteger(plan.number) ? undefined : 'ERR decrement would overflow'
  }

/** Turns the number of a plan into milliseconds. False when it is beyond what the store takes. */
function toMillis({ number }: Plan, isSeconds: boolean, isRelative: boolean): boolean {
  if (number.isWide) return false
  const millis = isSeconds ? number.value * 1000 : number.value
  number.value = millis
  return Math.abs(millis) <= (isRelative ? MOST_RELATIVE : MOST_ABSOLUTE)
}

/** Takes the expiry of a value from an argument, in the unit of an option such as `ex` or `pxat`. */
function takeExpiry(request: RequestParser, index: number, unit: string, name: string, plan: Plan) {
  const isRelative = !unit.endsWith('at')
  if (!readNumber(request, index, plan.number)) return notInteger
  const isPositive = !plan.number.isWide && plan.number.value > 0
  if (!isPositive || !toMillis(plan, unit.startsWith('e'), isRelative)) return expireTimeOf(name)
  plan.flags |= Flag.number | (isRelative ? Flag.relative : 0)
  return undefined
}

const set: Translate = (request, plan) => {
  plan.code = Code.set
  plan.flags = 0
  plan.count = 2
  let unit = ''
  let expiryAt = 0
  for (let k = 3; k < request.count; k++) {
    const option = request.text(k).toLowerCase()
    const isLast = k + 1 === request.count
    // The same unit may come again; the last counts.
    const mayExpire = (unit === '' || unit === option) && (plan.flags & Flag.keepTtl) === 0
    if (option === 'nx' && (plan.flags & Flag.xx) === 0) plan.flags |= Flag.nx
    else if (option === 'xx' && (plan.flags & Flag.nx) === 0) plan.flags |= Flag.xx
    else if (option === 'get') plan.flags |= Flag.get
    else if (option === 'keepttl' && unit === '') plan.flags |= Flag.keepTtl
    else if (/^[ep]x(at)?$/.test(option) && mayExpire && !isLast) {
      unit = option
      expiryAt = ++k
    } else return syntaxError
  }
  return unit === '' ? undefined : takeExpiry(request, expiryAt, unit, 'set', plan)
}

const setWithExpiry =
  (name: string, unit: string): Translate =>
  (request, plan) => {
    plan.code = Code.set
    plan.flags = 0
    plan.count = 2
    plan.last = 3
    return takeExpiry(request, 2, unit, name, plan)
  }

const expireFlags = new Map([
  ['nx', Flag.nx],
  ['xx', Flag.xx],
  ['gt', Flag.gt],
  ['lt', Flag.lt],
])

const expire =
  (name: string, isSeconds: boolean, isRelative: boolean): Translate =>
  (request, plan) => {
    plan.code = Code.expire
    plan.count = 1
    let flags = 0
    for (let k = 3; k < request.count; k++) {
      const flag = expireFlags.get(request.text(k).toLowerCase())
      if (flag === undefined) return `ERR Unsupported option ${request.text(k)}`
      flags |= flag
    }
    if ((flags & Flag.nx) !== 0 && flags !== Flag.nx)
      return 'ERR NX and XX, GT or LT options at the same time are not compatible'
    if ((flags & Flag.gt) !== 0 && (flags & Flag.lt) !== 0)
      return 'ERR GT and LT options at the same time are not compatible'
    plan.flags = flags | Flag.number | (isRelative ? Flag.relative : 0)
    if (!readNumber(request, 2, plan.number)) return notInteger
    return toMillis(plan, isSeconds, isRelative) ? undefined : expireTimeOf(name)
  }

const flush: Translate = (request, plan) => {
  const mode = request.count === 2 ? request.text(1).toLowerCase() : 'sync'
  if (request.count > 2 || (mode !== 'sync' && mode !== 'async')) return syntaxError
  plan.code = Code.flush
  plan.flags = 0
  plan.count = 0
  return undefined
}

export const storeCommands: readonly StoreCommand[] = [
  { name: 'get', arity: 2, translate: plain(Code.get) },
  { name: 'set', arity: -3, translate: set },
  { name: 'setnx', arity: 3, translate: plain(Code.set, Flag.nx | Flag.counted) },
  { name: 'setex', arity: 4, translate: setWithExpiry('setex', 'ex') },
  { name: 'psetex', arity: 4, translate: setWithExpiry('psetex', 'px') },
  { name: 'getset', arity: 3, translate: plain(Code.set, Flag.get) },
  { name: 'getdel', arity: 2, translate: plain(Code.getdel) },
  { name: 'append', arity: 3, translate: plain(Code.append) },
  { name: 'strlen', arity: 2, translate: plain(Code.strlen) },
  { name: 'del', arity: -2, translate: plain(Code.del) },
  { name: 'unlink', arity: -2, translate: plain(Code.del) },
  { name: 'exists', arity: -2, translate: plain(Code.exists) },
  { name: 'incr', arity: 2, translate: increment(1, false) },
  { name: 'decr', arity: 2, translate: increment(-1, false) },
  { name: 'incrby', arity: 3, translate: increment(1, true) },
  { name: 'decrby', arity: 3, translate: increment(-1, true) },
  { name: 'mget', arity: -2, translate: plain(Code.mget) },
  { name: 'mset', arity: -3, translate: pairs('mset', 0) },
  { name: 'msetnx', arity: -3, translate: pairs('msetnx', Flag.nx | Flag.counted) },
  { name: 'expire', arity: -3, translate: expire('expire', true, true) },
  { name: 'pexpire', arity: -3, translate: expire('pexpire', false, true) },
  { name: 'expireat', arity: -3, translate: expire('expireat', true, false) },
  { name: 'pexpireat', arity: -3, translate: expire('pexpireat', false, false) },
  { name: 'ttl', arity: 2, translate: plain(Code.ttl) },
  { name: 'pttl', arity: 2, translate: plain(Code.ttl, Flag.millis) },
  { name: 'expiretime', arity: 2, translate: plain(Code.ttl, Flag.absolute) },
  { name: 'pexpiretime', arity: 2, translate: plain(Code.ttl, Flag.absolute | Flag.millis) },
  { name: 'persist', arity: 2, translate: plain(Code.persist) },
  { name: 'type', arity: 2, translate: plain(Code.type) },
  { name: 'dbsize', arity: 1, translate: plain(Code.size) },
  { name: 'flushall', arity: -1, translate: flush },
  { name: 'flushdb', arity: -1, translate: flush },
]
